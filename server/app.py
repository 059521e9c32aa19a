"""The Flask application: wiring, bounds of a request, and nothing of the trade."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, redirect, request, send_from_directory
from werkzeug.middleware.proxy_fix import ProxyFix

from server import api as api_room
from server.intake.pulse import last_pulse, pulse_file, state
from server.problems import Problem, ProblemApi
from server.services import Services, assemble
from server.settings import Settings, load
from server.shapes import prepare
from server.unread import ReadToTheEnd
from sync.embedded.http import HttpLimits, ViewLimits
from sync.serving import replication

OPENAPI_VERSION = "3.1.0"
log = structlog.get_logger()
_DOCS_FOLDER = Path(__file__).resolve().parent.parent / "build" / "apidocs"


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """Make the application. `services` may be handed in, as tests do; else they are made from `settings`."""
    if services is None:
        services = assemble(settings or load())
    app = Flask(__name__, static_folder=None)
    app.extensions["hezha"] = services
    app.config.update(
        API_TITLE="Hezha 合闸",
        API_VERSION="v1",
        OPENAPI_VERSION=OPENAPI_VERSION,
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        JSON_SORT_KEYS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    _bound_requests(app, services.settings)
    _register_api(app)
    _register_docs(app)
    _register_health(app, services)
    app.register_blueprint(
        replication(
            services.store,
            services.sync_authenticator,
            limits=sync_limits(services.settings),
            sessions=services.sync_sessions,
        ),
        url_prefix="/sync",
    )
    prepare()
    # Around everything, replication too.
    if hops := services.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = ReadToTheEnd(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _register_health(app: Flask, services: Services) -> None:
    @app.get("/healthz")
    def healthz() -> Any:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> Any:
        """The store can be read and the disk has room for an inspector's day.

        A worker that stands still is told and closes no door: what tablets send is kept until it moves again.
        So is a CouchDB that does not take our tokens: tablets keep their work, and the office goes on.
        """
        free = shutil.disk_usage(services.settings.data_dir).free
        services.store.info(services.names.registry)
        if free < services.settings.min_free_disk_bytes:
            raise Problem(503, "disk_low", free_mb=free // 1_000_000)
        worker = state(last_pulse(pulse_file(services.settings)), services.clock().timestamp())
        replication_trouble = services.store.trouble()
        if replication_trouble is not None:
            log.error("replication_trouble", reason=replication_trouble)
        return {
            "status": "ok",
            "free_bytes": free,
            "worker": worker,
            "replication": "refused" if replication_trouble else "ok",
        }

    @app.get("/")
    def front() -> Any:
        return redirect("/api/docs")


def sync_limits(settings: Settings) -> HttpLimits:
    return HttpLimits(
        max_request_bytes=settings.max_sync_request_bytes,
        max_document_bytes=settings.max_document_bytes,
        max_attachment_bytes=settings.max_attachment_bytes,
        max_parked_polls=settings.max_parked_polls,
        views=ViewLimits(
            documents=settings.max_view_documents,
            rows=settings.max_view_rows,
            bytes=settings.max_view_bytes,
            seconds=settings.max_view_seconds,
            at_once=settings.max_views_at_once,
        ),
    )


def _bound_requests(app: Flask, settings: Settings) -> None:
    @app.before_request
    def bound() -> None:
        # `/sync` bounds its own streams. Only the photo upload reads multipart bodies, spooled to disk.
        if not request.path.startswith("/sync"):
            upload = request.mimetype == "multipart/form-data"
            request.max_content_length = settings.max_upload_bytes if upload else settings.max_json_bytes

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if request.path.startswith("/api/v1"):
            response.headers.setdefault("Cache-Control", "no-store")
        if request.path.startswith("/api/v1/public"):
            response.headers["Referrer-Policy"] = "no-referrer"  # the link is in the path
            response.headers["X-Robots-Tag"] = "noindex"
        return response


def _register_api(app: Flask) -> None:
    api = ProblemApi(app, spec_kwargs={"info": {"license": {"name": "Apache-2.0"}}})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    for blueprint in api_room.blueprints():
        api.register_blueprint(blueprint)


def _register_docs(app: Flask) -> None:
    """The API page, its assets served from here: a basement has no CDN."""

    @app.get("/api/docs")
    def api_docs() -> Any:
        return _docs_file("index.html")

    @app.get("/api/docs/<path:name>")
    def api_docs_asset(name: str) -> Any:
        return _docs_file(name)


def _docs_file(name: str) -> Response:
    if not _DOCS_FOLDER.is_dir():
        raise Problem(503, "docs_not_built")
    return send_from_directory(_DOCS_FOLDER, name)
