"""DocumentStore on Apache CouchDB 3.5. `store.py` is the face; `wire.py` speaks HTTP and has the patience."""
