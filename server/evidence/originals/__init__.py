"""Originals of photos, wherever they lie: attached to their document, or moved to object storage.

`document` says which of the two a document tells of, `bucket` speaks with the storage, and `door` is the one
way to an original's bytes.
"""
