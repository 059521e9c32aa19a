"""A process holds what it uses: libraries of megabytes are loaded by the first who needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What reports, maps, photos, the solver and the way to a cluster need, and replication does not.
HEAVY = (
    "botocore",
    "ibm_cloud_sdk_core",
    "matplotlib",
    "numpy",
    "openpyxl",
    "ortools",
    "pandas",
    "pyproj",
    "scipy",
    "segno",
    "shapely",
    "typst",
)
#: What the process that only starts others and watches them can do without, besides.
WORKING = ("apsw", "flask", "sqlalchemy", "structlog", "werkzeug")

PARENT = "import server.serving.__main__"
WEB = "from server.app import create_app; create_app()"
WORKER = """
import threading
import server.intake.process
from server.intake.pulse import Watched
from server.intake.worker import run_worker
from server.settings import load

stop = threading.Event()
threading.Timer(1.0, stop.set).start()
run_worker(load(), stop, Watched(60.0))
"""


@pytest.mark.parametrize(
    ("start", "without"),
    [(PARENT, (*HEAVY, *WORKING)), (WEB, HEAVY), (WORKER, HEAVY)],
    ids=["gunicorn's parent", "web", "worker"],
)
def test_a_process_that_has_started_has_loaded_nothing_heavy(
    start: str, without: tuple[str, ...], tmp_path: Path
) -> None:
    """Import such a library where it is used, inside the function, or where nothing else is imported."""
    program = f"{start}\nimport sys\nprint(*sorted(set({without!r}) & set(sys.modules)), file=sys.stdout)"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HEZHA_DATA": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.split() == []
