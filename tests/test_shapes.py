"""No type is prepared for reading while threads run: two at it at once would end the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Imports all that a server or worker loads, prepares, and prints which of its types were not prepared then.
PROGRAM = """
import sys
import msgspec
import server.app, server.api, server.intake.worker
server.api.blueprints()
from server.people.model import Device, User
from server.shapes import _below, prepare
if {prepared}:
    prepare()
late = []
def heard(frame, event, _):
    if event == "call" and frame.f_code.co_name in {{"get_class_annotations", "get_dataclass_info"}}:
        late.append(frame.f_back)
kinds = [*_below(msgspec.Struct), User, Device]
sys.setprofile(heard)
for kind in kinds:
    msgspec.json.Decoder(kind)
sys.setprofile(None)
print(len(kinds), len(late))
"""


@pytest.mark.parametrize("prepared", [True, False])
def test_every_type_is_prepared_before_threads_run(prepared: bool) -> None:
    """The second case shows that the first would notice."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(prepared=prepared)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    kinds, late = map(int, done.stdout.split())
    assert kinds > 100
    assert (late == 0) is prepared


def test_the_defect_is_still_there() -> None:
    """When msgspec has mended it, this fails, and `server/shapes.py` can go."""
    program = """
import threading
import msgspec
entered, go_on = threading.Event(), threading.Event()
def slowly():
    entered.set()
    go_on.wait(10)
    return int
class Inner(msgspec.Struct):
    x: "slowly()"
class Outer(msgspec.Struct):
    inner: Inner
body = {"inner": {"x": 1}}
threading.Thread(target=msgspec.convert, args=(body, Outer), daemon=True).start()
entered.wait()
msgspec.convert(body, Outer)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert done.returncode < 0
