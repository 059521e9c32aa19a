"""XLSForm in and out: the exchange format that other programs for field data read and write.

Nothing here knows of files or requests: bytes come in and definitions go out with what was lost, and the
other way round.
"""

from checklists.xlsform.bounds import Bounds
from checklists.xlsform.finding import Finding, XlsFormError
from checklists.xlsform.reading import Imported, read_xlsform
from checklists.xlsform.settings import slug
from checklists.xlsform.writing import Exported, write_xlsform

__all__ = [
    "Bounds",
    "Exported",
    "Finding",
    "Imported",
    "XlsFormError",
    "read_xlsform",
    "slug",
    "write_xlsform",
]
