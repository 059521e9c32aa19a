"""The query side: SQL tables projected from the stores. Deletable; `hezha rebuild` makes it again.

Nothing is decided from here. What a list shows may lag behind the documents by the time of one projection;
whoever writes a case projects it before the answer, so that people read their own writes.
"""
