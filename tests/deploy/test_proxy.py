"""The proxy's own binary with the files of deploy/proxy, in front of servers that tell what reached them."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROXY = Path(__file__).parents[2] / "deploy" / "proxy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")

pytestmark = pytest.mark.skipif(
    NGINX is None or OPENSSL is None, reason="no nginx or openssl here (apt install nginx-light openssl)"
)


@dataclass
class Behind:
    """A server behind the proxy, standing in for CouchDB or Hezha: it tells what it was asked."""

    name: str
    half_read: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def start(self) -> int:
        behind = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                if "feed=continuous" in self.path:
                    return self.beat()
                length = int(self.headers.get("Content-Length", 0))
                first = self.rfile.read(length // 2)
                behind.half_read.set()
                body = first + self.rfile.read(length - len(first))
                told = {"behind": behind.name, "path": self.path, "method": self.command, "bytes": len(body)}
                told["headers"] = {name.lower(): value for name, value in self.headers.items()}
                data = json.dumps(told).encode()
                self.send_response(201 if self.command == "PUT" else 200)
                self.send_header("Content-Length", str(len(data)))
                if self.command == "PUT":
                    self.send_header("Location", f"http://{self.headers['Host']}{self.path}")
                self.end_headers()
                self.wfile.write(data)
                return None

            def beat(self) -> None:
                """A feed that has nothing to say but that it lives, and then one row."""
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"1\r\n\n\r\n")
                self.wfile.flush()
                behind.go_on.wait(20)
                self.wfile.write(b"4\r\nrow\n\r\n0\r\n\r\n")

            do_GET = do_PUT = do_POST = answer  # noqa: N815  the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return int(self.server.server_address[1])

    def stop(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Proxy:
    port: int
    plain_port: int
    couchdb: Behind
    hezha: Behind

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, Any]:
        connection = self.connect()
        try:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response, json.loads(response.read() or b"null")
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_configuration(folder: Path, *, https: int, plain: int, couchdb: int, hezha: int) -> None:
    """The project's own files; only ports and addresses differ."""
    (folder / "nginx.conf").write_text((PROXY / "nginx.conf").read_text().replace("/tmp/", f"{folder}/"))
    server = (PROXY / "server.conf").read_text()
    assert "listen 443 ssl http2;" in server
    assert "listen 80;" in server
    server = server.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;")
    (folder / "server.conf").write_text(server.replace("listen 80;", f"listen 127.0.0.1:{plain};"))
    for name, port in (("couchdb", couchdb), ("hezha", hezha)):
        (folder / f"{name}.conf").write_text(f"upstream {name} {{ server 127.0.0.1:{port}; keepalive 8; }}\n")
    (folder / "tls").mkdir()
    key, cert = folder / "tls/privkey.pem", folder / "tls/fullchain.pem"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hezha.example"]
    subprocess.run([str(OPENSSL), *request, "-keyout", key, "-out", cert], check=True, capture_output=True)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    folder.chmod(0o755)
    couchdb, hezha = Behind("couchdb"), Behind("hezha")
    https, plain = free_port(), free_port()
    write_configuration(folder, https=https, plain=plain, couchdb=couchdb.start(), hezha=hezha.start())
    command = [str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", https)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield Proxy(https, plain, couchdb, hezha)
    finally:
        process.terminate()
        process.wait(20)
        couchdb.stop()
        hezha.stop()


def test_the_files_pass_the_proxys_own_check(tmp_path: Path) -> None:
    write_configuration(tmp_path, https=1443, plain=1080, couchdb=5984, hezha=8080)
    balancer = (PROXY / "balancer.conf").read_text().replace("/tmp/", f"{tmp_path}/")
    (tmp_path / "balancer.conf").write_text(balancer.replace("listen 5984;", "listen 127.0.0.1:15985;"))
    for name in ("nginx.conf", "balancer.conf"):
        command = [str(NGINX), "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert b"[warn]" not in done.stderr.replace(b'the "user" directive', b"")


def test_replication_goes_to_couchdb_and_the_rest_to_hezha(proxy: Proxy) -> None:
    for path, behind, arrived in [
        ("/sync/", "couchdb", "/"),
        ("/sync/case-1/_changes?since=0", "couchdb", "/case-1/_changes?since=0"),
        ("/sync/_session", "couchdb", "/_session"),
        ("/sync/_uuids?count=3", "couchdb", "/_uuids?count=3"),
        ("/api/v1/me", "hezha", "/api/v1/me"),
        ("/healthz", "hezha", "/healthz"),
        ("/", "hezha", "/"),
    ]:
        _, told = proxy.ask("GET", path)
        assert (told["behind"], told["path"]) == (behind, arrived), path


def test_an_address_arrives_as_it_was_sent(proxy: Proxy) -> None:
    for path in [
        "/case-1/photo%3Aa%2Fb?rev=1-a%2Bb&open_revs=%5B%22all%22%5D",
        "/case-1/%E7%85%A7%E7%89%87/original%20%231.jpg",
        "/case-1/a+b//c",
        "/case-1/_design/hezha/_view",
    ]:
        _, told = proxy.ask("GET", "/sync" + path)
        assert told["path"] == path


def test_couchdbs_administration_is_not_reached(proxy: Proxy) -> None:
    for path in [
        "/sync/_node/_local/_config",
        "/sync/_all_dbs",
        "/sync/_users/_all_docs",
        "/sync/_cluster_setup",
        "/sync//_node/_local/_config",
        "/sync/%5Fnode/_local/_config",
        "/sync/%5fusers",
        "/sync/./_node/_local",
        "/sync/case-1/../_node/_local/_config",
        "/x/../sync/_node/_local",
        "/sync/_session/../_users",
        "/sync/case-1/%2e%2E/_users",
        "/sync/case-1/..",
    ]:
        response, told = proxy.ask("GET", path)
        assert response.status == 403, path
        assert told["error"] == "forbidden", path


def test_only_hezhas_own_tokens_pass_to_couchdb(proxy: Proxy) -> None:
    _, told = proxy.ask(
        "GET",
        "/sync/case-1",
        Authorization="Basic aGV6aGE6c2VjcmV0",
        Cookie="AuthSession=abc",
        X_Auth_CouchDB_UserName="hezha",
        X_Auth_CouchDB_Roles="_admin",
    )
    assert not {"authorization", "cookie", "x-auth-couchdb-username", "x-auth-couchdb-roles"} & set(
        told["headers"]
    )
    _, told = proxy.ask("GET", "/sync/case-1", Authorization="Bearer a.b.c")
    assert told["headers"]["authorization"] == "Bearer a.b.c"


def test_whoever_is_behind_learns_who_asked_and_how(proxy: Proxy) -> None:
    for path in ("/sync/case-1", "/api/v1/me"):
        _, told = proxy.ask("GET", path, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="gopher")
        assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert told["headers"]["x-forwarded-proto"] == "https"
        assert told["headers"]["host"] == f"127.0.0.1:{proxy.port}"


def test_a_location_leads_back_through_the_proxy(proxy: Proxy) -> None:
    response, _ = proxy.ask("PUT", "/sync/case-1/photo%3A1", b"{}")
    assert response.status == 201
    assert response.headers["Location"] == f"https://127.0.0.1:{proxy.port}/sync/case-1/photo%3A1"


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=20)
    connection.request("GET", "/sync/case-1?x=1", headers={"Host": "hezha.example"})
    response = connection.getresponse()
    connection.close()
    assert (response.status, response.headers["Location"]) == (308, "https://hezha.example/sync/case-1?x=1")


def test_a_body_flows_through_while_it_is_sent(proxy: Proxy) -> None:
    proxy.couchdb.half_read.clear()
    connection = proxy.connect()
    connection.putrequest("PUT", "/sync/media-1/photo%3A1/original?rev=1-a")
    connection.putheader("Content-Length", "2000000")
    connection.endheaders()
    connection.send(b"x" * 1_000_000)
    assert proxy.couchdb.half_read.wait(20), "the proxy held the body back"
    connection.send(b"x" * 1_000_000)
    told = json.loads(connection.getresponse().read())
    connection.close()
    assert told["bytes"] == 2_000_000


def test_bodies_are_bounded_where_hezha_bounds_them(proxy: Proxy) -> None:
    for path, declared, status in [
        ("/sync/media-1/photo%3A1/original", 1101 * 2**20, 413),
        ("/api/v1/cases", 41 * 2**20, 413),
    ]:
        connection = proxy.connect()
        connection.putrequest("PUT", path)
        connection.putheader("Content-Length", str(declared))
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


def test_a_heartbeat_arrives_when_it_is_sent(proxy: Proxy) -> None:
    proxy.couchdb.go_on.clear()
    connection = proxy.connect()
    connection.request("GET", "/sync/inbox-1/_changes?feed=continuous&heartbeat=1000")
    response = connection.getresponse()
    assert response.read(1) == b"\n"
    proxy.couchdb.go_on.set()
    assert response.read() == b"row\n"
    connection.close()


def test_what_only_the_inside_may_see_is_not_there(proxy: Proxy) -> None:
    connection = proxy.connect()
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 404
    connection.close()
