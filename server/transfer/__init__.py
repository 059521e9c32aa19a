"""Cases in and out: from a marketing system's lists, and as lists for spreadsheets.

`sheets` reads rows of any of three formats, `columns` says which heading is which field, `applications` makes
a row a command, `importing` carries them out, and `exporting` writes lists.
"""
