"""Records CouchDB's answers to the scenes.

`HEZHA_TEST_COUCHDB_URL=http://name:password@host:port python -m tests.sync_http.record_couchdb`
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.sync_http.like import couchdb, play
from tests.sync_http.scenes import SCENES

FOLDER = Path(__file__).parents[1] / "vectors" / "couchdb_answers"


def main() -> None:
    ask = couchdb(os.environ["HEZHA_TEST_COUCHDB_URL"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, steps in SCENES.items():
        answers = play(steps, f"hezha-like-{name}", ask)
        lines = ",\n".join(json.dumps(answer, ensure_ascii=False, sort_keys=True) for answer in answers)
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
