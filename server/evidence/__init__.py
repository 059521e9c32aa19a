"""Photos: are they the bytes the form names, a readable picture within bounds, and do they fit the claim.

`verify` judges one file, `workers` does the same in processes that a hostile file may kill, `renditions`
makes the upright small pictures that people look at. The original is never altered.
"""
