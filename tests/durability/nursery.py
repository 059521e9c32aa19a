"""`/sync` under Hezha's own web server, started in no time: `python nursery.py <data> <port>`.

Everything is imported once; each line on standard input forks a server of its own process group from here,
whose id is the answer. Users are their own passwords; `admin` is the server admin.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.wrappers import Request

from server import logs
from server.serving.server import WebServer
from server.settings import Settings
from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import HttpLimits, create_blueprint
from sync.embedded.validate import Validator
from sync.store import Unauthorized, UserCtx

#: Requests in flight get no time to finish: whoever ends this server does so with SIGKILL.
GRACE_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def by_name(request: Request) -> UserCtx:
    given = request.authorization
    if given is None or given.username != given.password:
        raise Unauthorized("Name or password is incorrect.")
    return UserCtx(given.username, ("_admin",) if given.username == "admin" else ())


class LightServer(WebServer):
    """Hezha's web server with nothing but the replication endpoint."""

    def load(self) -> Any:
        logs.configure()
        store = EmbeddedStore(self._settings.data_dir, validator=Validator())
        app = Flask("light")
        app.extensions["hezha"] = type("Made", (), {"store": store})
        app.register_blueprint(create_blueprint(store, by_name, limits=HttpLimits()), url_prefix="/sync")
        return app


def main() -> None:
    settings = Settings(data_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
    # Orphans of the killed come to us, and as we do not ask for them the system buries them at once.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # none outlives the test
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the log; the answer is the parent's
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            LightServer(settings, grace_seconds=GRACE_SECONDS).run()
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
