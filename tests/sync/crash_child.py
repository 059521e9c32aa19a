"""A process that writes until it is killed, and says on stdout what has been acknowledged.

`crash_child.py FOLDER ROUND`: four threads put documents, some with attachments, some as a bulk. Each line is
`ID REV SHA256-OF-ATTACHMENT-OR-DASH`, printed only after the store has returned.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import sys
import threading
from pathlib import Path
from random import Random

from sync.embedded.engine import EmbeddedStore
from sync.store import NewAttachment


def work(store: EmbeddedStore, name: str) -> None:
    random = Random(name)
    for number in itertools.count():
        doc_id = f"{name}:{number}"
        if number % 3 == 0:
            rows = store.bulk_docs("db", [{"_id": f"{doc_id}:{n}", "n": n} for n in range(5)])
            lines = [f"{row.id} {row.rev} -" for row in rows]
        elif number % 3 == 1:
            data = random.randbytes(random.choice([10, 70_000]))
            attachment = NewAttachment("photo", "image/jpeg", io.BytesIO(data))
            rev = store.put_attachment("db", doc_id, None, attachment)
            lines = [f"{doc_id} {rev} {hashlib.sha256(data).hexdigest()}"]
        else:
            rev = store.put("db", {"_id": doc_id, "v": 1})
            lines = [f"{doc_id} {store.put('db', {'_id': doc_id, '_rev': rev, 'v': 2})} -"]
        sys.stdout.write("".join(line + "\n" for line in lines))
        sys.stdout.flush()


def main() -> None:
    store = EmbeddedStore(Path(sys.argv[1]))
    threads = [
        threading.Thread(target=work, args=(store, f"{sys.argv[2]}-{number}"), daemon=True)
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
