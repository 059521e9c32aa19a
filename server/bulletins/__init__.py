"""Bulletins and the managers' ledger: what a period came to, as functions of what is known of each case.

`record` says what of a case they count, `periods` which days belong to which week, month and quarter,
`values` what they tell, `making` and `ledger` make them. Nothing here reads a clock or a store.
"""
