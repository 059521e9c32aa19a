"""Field documents in, receipts out.

A tablet's document is judged by `checklists`, `evidence` and `geo`; what the findings mean for the case is
decided by the workflow; the answer is a document beside the tablet's own. Every step may be repeated: a
change that is delivered twice leads to the same receipt and to nothing else.
"""
