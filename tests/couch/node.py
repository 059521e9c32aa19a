"""The part of CouchDB that `hezha couchdb configure` and the doctor speak to: two nodes, made up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from tests.engines.served import Quiet

NODES = ("couchdb@one", "couchdb@two")


class Cluster:
    """`configs` by node; `databases` that are there. Handlers are read once, as CouchDB does at its start."""

    def __init__(self) -> None:
        self.configs: dict[str, dict[str, dict[str, str]]] = {node: {} for node in NODES}
        self.databases = {"_users", "_replicator"}
        self.version = "3.5.0"
        self.writes = 0
        self.takes_tokens = False

    def restart(self) -> None:
        handlers = [
            config.get("chttpd", {}).get("authentication_handlers", "") for config in self.configs.values()
        ]
        self.takes_tokens = all("jwt_authentication_handler" in one for one in handlers)

    def application(self) -> Flask:
        app = Flask("node")

        @app.get("/")
        def welcome() -> Response:
            return jsonify(couchdb="Welcome", version=self.version)

        @app.get("/_up")
        def up() -> Response:
            return jsonify(status="ok")

        @app.get("/_membership")
        def membership() -> Response:
            return jsonify(all_nodes=NODES, cluster_nodes=NODES)

        @app.get("/_node/<node>/_config")
        def config(node: str) -> Response:
            return jsonify(self.configs[node])

        @app.route("/_node/<node>/_config/<section>/<key>", methods=["PUT", "DELETE"])
        def set_config(node: str, section: str, key: str) -> Response:
            self.writes += 1
            if request.method == "DELETE":
                return jsonify(self.configs[node][section].pop(key))
            self.configs[node].setdefault(section, {})[key] = json.loads(request.data)
            return jsonify("")

        @app.get("/_session")
        def session() -> Response:
            return jsonify(ok=True, userCtx=self._who())

        @app.route("/<name>", methods=["HEAD", "PUT"])
        def database(name: str) -> Response:
            if request.method == "PUT":
                self.databases.add(name)
                return Response('{"ok":true}', 201, mimetype="application/json")
            return Response(status=200 if name in self.databases else 404)

        return app

    def _who(self) -> dict[str, Any]:
        given = request.authorization
        if given is None or given.type != "bearer" or not self.takes_tokens:
            return {"name": None, "roles": []}
        claims = jwt.decode(given.token or "", options={"verify_signature": False})
        return {"name": claims["sub"], "roles": claims["_couchdb.roles"]}


@contextmanager
def running(cluster: Cluster) -> Iterator[str]:
    """The cluster's URL, with an admin in it."""
    server = make_server("127.0.0.1", 0, cluster.application(), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://root:top-secret@127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
