"""What stands between the data and a bad day: backups, restoring, checking, salvage.

These work on a data folder beside whatever else has it open, and need no running store. `snapshot.py` copies
the database file as it is at one moment; `backup.py` puts it on a shelf together with the blobs it names,
`shelf.py` is that shelf, a folder or a tar; `restore.py` brings it back; `check.py` looks for damage and
`salvage.py` saves what can still be read from a damaged file.
"""
