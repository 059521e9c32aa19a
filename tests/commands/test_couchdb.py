"""`hezha couchdb` says what it does, does it once, and shows no secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.commands.doctor import examine
from server.commands.findings import Finding
from sync.couch.store import CouchOptions
from sync.rules import DESIGN_ID, design_document
from sync.store import Security
from tests.couch.node import NODES, Cluster, running
from tests.engines.served import ADMIN, couch_at, serving

KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def environ(cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, str]]:
    with running(cluster) as url:
        yield {"HEZHA_DATA": str(tmp_path / "data"), "HEZHA_COUCHDB_URL": url, "HEZHA_JWT_KEY": f"k1:{KEY}"}


def configure(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner(env=environ).invoke(main, ["couchdb", "configure", *arguments])


def test_without_a_word_it_only_compares(cluster: Cluster, environ: dict[str, str]) -> None:
    result = configure(environ)
    assert result.exit_code == 1
    for node in NODES:
        assert f"{node}: [jwt_auth] required_claims is not set; Hezha needs exp" in result.output
    assert "_global_changes" in result.output
    assert cluster.writes == 0


def test_applied_on_every_node_it_is_right_after_a_restart(cluster: Cluster, environ: dict[str, str]) -> None:
    result = configure(environ, "--apply")
    assert result.exit_code == 1
    assert "restart CouchDB" in result.stderr
    assert [config["jwt_keys"]["hmac:k1"] for config in cluster.configs.values()] == [KEY, KEY]
    assert "_global_changes" in cluster.databases
    cluster.restart()
    before = cluster.writes
    for arguments in (["--apply"], []):
        result = configure(environ, *arguments)
        assert (result.exit_code, cluster.writes) == (0, before)
        assert result.output == "CouchDB is configured as Hezha needs it, and takes its tokens.\n"


@pytest.mark.parametrize("arguments", [[], ["--apply"], ["--print", "ini"], ["--print", "env"]])
def test_no_secret_is_shown_unless_asked_for(environ: dict[str, str], arguments: list[str]) -> None:
    result = configure(environ, *arguments)
    assert KEY not in result.output
    assert "top-secret" not in result.output


@pytest.mark.parametrize("form", ["ini", "env"])
def test_asked_for_everything_is_printed(environ: dict[str, str], form: str) -> None:
    result = configure(environ, "--print", form, "--secrets")
    assert result.exit_code == 0
    assert KEY in result.stdout


def test_printing_needs_no_couchdb(environ: dict[str, str]) -> None:
    result = configure(
        {**environ, "HEZHA_COUCHDB_URL": ""}, "--print", "ini", "--cors", "https://tablet.example"
    )
    assert result.exit_code == 0
    assert "origins = https://tablet.example" in result.stdout
    assert configure({**environ, "HEZHA_COUCHDB_URL": ""}).exit_code == 2
    assert configure(environ, "--apply", "--print", "ini").exit_code == 2


def test_a_couchdb_that_does_not_answer_is_told(environ: dict[str, str]) -> None:
    gone = {
        **environ,
        "HEZHA_COUCHDB_URL": "http://root:top-secret@127.0.0.1:1",
        "HEZHA_COUCHDB_ATTEMPTS": "1",
    }
    result = configure(gone)
    assert result.exit_code == 3
    assert "does not answer" in result.stderr
    assert "top-secret" not in result.output


def found(environ: dict[str, str]) -> dict[str, Finding]:
    return {f"{one.check}.{one.outcome}": one for one in examine(environ, datetime.now(UTC))}


def test_the_doctor_names_what_of_couchdb_is_to_be_mended(cluster: Cluster, environ: dict[str, str]) -> None:
    cluster.version = "3.3.3"
    before = found(environ)
    assert before["couchdb.version"].level == "warn"
    assert before["couchdb.configuration"].params["wrong"].startswith("[chttpd] authentication_handlers")
    assert before["couchdb.token"].level == "fail"
    assert before["couchdb.system_databases"].params == {"missing": "_global_changes"}
    configure(environ, "--apply")
    cluster.restart()
    cluster.version = "3.5.1"
    assert found(environ)["couchdb.ok"].level == "ok"


def test_the_doctor_tells_of_clocks_that_differ(cluster: Cluster, environ: dict[str, str]) -> None:
    now = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    late = {one.outcome: one for one in examine(environ, now) if one.check == "couchdb"}
    assert late["clock"].params["seconds"] < -300 * 24 * 3600


def test_new_write_rules_come_to_every_database_before_the_new_version_serves(tmp_path: Path) -> None:
    with serving(tmp_path / "node") as url:
        store = couch_at(url, CouchOptions())
        for db in ("case-1", "case-2"):
            store.create_database(db, Security(kind="case"))
        older = {**store.get("case-2", DESIGN_ID), "validate_doc_update": "function () {}"}
        store.put("case-2", older)
        told = url.replace("://", f"://{ADMIN.name}:{ADMIN.password.replace(' ', '%20')}@")
        environ = {
            "HEZHA_DATA": str(tmp_path / "data"),
            "HEZHA_COUCHDB_URL": told,
            "HEZHA_JWT_KEY": f"k1:{KEY}",
        }
        results = [CliRunner(env=environ).invoke(main, ["couchdb", "rules"]) for _ in range(2)]
        assert [(result.exit_code, result.output) for result in results] == [
            (0, "Databases that had other write rules: 1. Every database has those of this version now.\n"),
            (0, "Every database has this version's write rules already.\n"),
        ]
        present = store.get("case-2", DESIGN_ID)
        assert present["validate_doc_update"] == design_document()["validate_doc_update"]
        store.close()


@pytest.mark.parametrize(("url", "code"), [("", 2), ("http://a:b@127.0.0.1:9", 3)])
def test_without_a_couchdb_there_is_nobody_to_give_rules_to(tmp_path: Path, url: str, code: int) -> None:
    environ = {
        "HEZHA_DATA": str(tmp_path),
        "HEZHA_COUCHDB_URL": url,
        "HEZHA_JWT_KEY": f"k1:{KEY}",
        "HEZHA_COUCHDB_ATTEMPTS": "1",
    }
    result = CliRunner(env=environ).invoke(main, ["couchdb", "rules", "--lang", "zh-CN"])
    assert result.exit_code == code
    assert "CouchDB" in result.stderr
