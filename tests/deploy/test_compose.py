"""The compose files: complete, closed to the outside, and in step with Hezha's settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import Settings, variable

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted(DEPLOY.glob("*/compose.yaml"))
#: Services that do one thing and end; nothing watches their health.
ONE_SHOT = {"join", "configure"}


def read(file: Path) -> dict[str, Any]:
    made = yaml.safe_load(file.read_text("utf-8"))
    assert isinstance(made, dict)
    return made


def example_variables() -> set[str]:
    return set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))


def by_name(file: Path) -> str:
    return file.parent.name


def test_there_is_a_cluster_and_a_single_node() -> None:
    assert [file.parent.name for file in FILES] == ["cluster", "single"]
    nodes = {
        file.parent.name: [name for name in read(file)["services"] if name.startswith("couchdb")]
        for file in FILES
    }
    assert nodes == {"cluster": ["couchdb1", "couchdb2", "couchdb3"], "single": ["couchdb1"]}


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_only_the_proxy_is_reached_from_outside(file: Path) -> None:
    made = read(file)
    assert made["networks"]["inside"] == {"internal": True}
    for name, service in made["services"].items():
        networks = set(service["networks"])
        if name == "proxy":
            assert networks == {"inside", "outside"}
        else:
            assert networks == {"inside"}, name
            assert "ports" not in service, name


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_whatever_goes_on_is_watched_restarted_and_given_time_to_stop(file: Path) -> None:
    for name, service in read(file)["services"].items():
        if name in ONE_SHOT:
            assert service["restart"] == "on-failure", name
            continue
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service, name
        if name.startswith(("couchdb", "web", "worker")):
            assert "stop_grace_period" in service, name


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_every_file_that_is_mounted_exists_and_every_volume_is_declared(file: Path) -> None:
    made = read(file)
    for name, service in made["services"].items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source == "./tls":
                continue  # the operator's own
            if source.startswith("."):
                assert (file.parent / source).is_file(), (name, source)
                assert volume.endswith(":ro"), (name, volume)
            else:
                assert source in made["volumes"], (name, source)


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_a_node_of_couchdb_keeps_its_data_apart(file: Path) -> None:
    services = read(file)["services"]
    for name, service in services.items():
        if name.startswith("couchdb"):
            assert f"{name}:/opt/couchdb/data" in service["volumes"]
            assert service["environment"]["NODENAME"] == f"{name}.hezha"
            assert service["networks"]["inside"]["aliases"] == [f"{name}.hezha"]
            assert f"{name}.hezha" in services["join"]["entrypoint"]
            assert f"{name}.hezha:5984" in (file.parent / "couchdb.conf").read_text("utf-8")


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_the_example_of_the_secrets_names_each_and_no_other(file: Path) -> None:
    text = file.read_text("utf-8")
    demanded = set(re.findall(r"\$\{(\w+):\?", text))
    offered = set(re.findall(r"\$\{(\w+)", text))
    example = example_variables() - {"COMPOSE_PROJECT_NAME"}
    assert demanded <= example <= offered


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_every_setting_of_hezha_exists(file: Path) -> None:
    known = {variable(field.name) for field in fields(Settings)}
    for name, service in read(file)["services"].items():
        if service["image"] == "hezha":
            given = {key for key in service["environment"] if key.startswith("HEZHA_")}
            assert given <= known, (name, given - known)
            assert {"HEZHA_COUCHDB_URL", "HEZHA_JWT_KEY", "HEZHA_BASE_URL"} <= given


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_compose_itself_takes_the_file(file: Path, tmp_path: Path) -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("no docker-compose here (apt install docker-compose)")
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}=0123456789abcdef\n" for name in sorted(example_variables())))
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [compose, "--file", str(file), "config", "--quiet"]
    done = subprocess.run(
        [*command[:1], "--env-file", str(filled), *command[1:]], env=clean, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    empty = tmp_path / "empty"
    empty.write_text("")
    refused = subprocess.run(
        [*command[:1], "--env-file", str(empty), *command[1:]], env=clean, capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert b"in .env" in refused.stderr
