"""Originals beside a stand-in for an object storage: moto's server, a process of its own on loopback.

The desk is on the embedded engine, and on CouchDB where HEZHA_TEST_COUCHDB_URL names one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from server.casework.moving import Item, Mover
from server.evidence.originals.bucket import Bucket, BucketOptions
from server.evidence.originals.document import key_of
from sync.couch.cluster import Cluster
from sync.couch.configuration import Change
from sync.couch.store import CouchOptions, split_url
from tests.desk import ROLES, Clock, Desk, open_desk, photo_document, picture
from tests.engines.served import couch_at
from tests.loop.couch import COUCHDB_URL, Corner

#: Days after a case's end in the policy of the tests.
DAYS = 90
KEYS = {"access_key": "access", "secret_key": "very-secret"}
POLICY = f"""
schema: 1
settings:
  - {{key: originals_days, from: 2000-01-01, value: {DAYS}}}
"""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of moto's server."""
    outside = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # It tells of every request: into a file, since a pipe that nobody reads is full one day, and it waits.
    told = tmp_path_factory.mktemp("stand-in") / "stderr"
    with (
        told.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            env=outside,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        ) as server,
    ):
        found = None
        while found is None and server.poll() is None:
            time.sleep(0.05)
            found = re.search(r"Running on (http://127\.0\.0\.1:\d+)\s", told.read_text())
        assert found is not None, "moto's server did not start"
        yield found[1]
        server.terminate()


@pytest.fixture
def address(stand_in: str) -> Iterator[dict[str, str]]:
    """A new bucket of the stand-in, as settings."""
    name = f"originals-{secrets.token_hex(4)}"
    client = storage(stand_in)
    client.create_bucket(Bucket=name)
    yield {
        "originals_endpoint": stand_in,
        "originals_bucket": name,
        "originals_prefix": "hezha/",
        "originals_access_key": KEYS["access_key"],
        "originals_secret_key": KEYS["secret_key"],
    }
    client.close()


def storage(url: str) -> Any:
    """A client past Hezha, as an operator has one."""
    return Session().create_client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )


def options(url: str, bucket: str = "originals", **changes: Any) -> BucketOptions:
    quick: dict[str, Any] = {**KEYS, "connect": 2.0, "read": 2.0, "attempts": 2, "pause": 60.0}
    return BucketOptions(endpoint=url, bucket=bucket, region="us-east-1", **{**quick, **changes})


class Shelf:
    """What lies in a bucket, looked at and changed past Hezha."""

    def __init__(self, address: dict[str, str]) -> None:
        self.name = address["originals_bucket"]
        self._prefix = address["originals_prefix"]
        self._client = storage(address["originals_endpoint"])

    def keys(self) -> set[str]:
        listed = self._client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {row["Key"] for row in listed}

    def key(self, data: bytes) -> str:
        return self._prefix + key_of(hashlib.sha256(data).hexdigest())

    def read(self, data: bytes) -> bytes:
        body: bytes = self._client.get_object(Bucket=self.name, Key=self.key(data))["Body"].read()
        return body

    def overwrite(self, data: bytes, other: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=self.key(data), Body=other)

    def remove(self, data: bytes) -> None:
        self._client.delete_object(Bucket=self.name, Key=self.key(data))

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def shelf(address: dict[str, str]) -> Iterator[Shelf]:
    made = Shelf(address)
    yield made
    made.close()


@contextmanager
def on_embedded(folder: Path, **settings: Any) -> Iterator[Desk]:
    with open_desk(folder, clock=Clock(), **settings) as desk:
        yield desk


@contextmanager
def on_couchdb(folder: Path, **settings: Any) -> Iterator[Desk]:
    """The same on CouchDB, under a prefix of its own."""
    corner = Corner(COUCHDB_URL)
    known = corner.settings()
    (folder / "not-empty").touch()
    try:
        with open_desk(
            folder,
            clock=Clock(),
            couchdb_url=known["COUCHDB_URL"],
            db_prefix=known["DB_PREFIX"],
            jwt_key=known["JWT_KEY"],
            **settings,
        ) as desk:
            believe(known["COUCHDB_URL"], known["JWT_KEY"])
            for role in ROLES:
                desk.hire(role, role)
            yield desk
    finally:
        corner.clear()


def believe(url: str, key: str) -> None:
    """Have CouchDB take the tokens that are signed with a key. Its corner's clearing ends that."""
    name, _, secret = key.partition(":")
    bare, account = split_url(url)
    assert account is not None
    with closing(couch_at(bare, CouchOptions(), account)) as store:
        cluster = Cluster(store.wire)
        for node in cluster.nodes():
            cluster.apply(node, [Change("jwt_keys", f"hmac:{name}", secret)])


NEEDS_COUCHDB = pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB")
OPENERS: dict[str, Callable[..., Any]] = {"embedded": on_embedded, "couchdb": on_couchdb}


@pytest.fixture(params=["embedded", pytest.param("couchdb", marks=NEEDS_COUCHDB)])
def desk(request: pytest.FixtureRequest, tmp_path: Path, address: dict[str, str]) -> Iterator[Desk]:
    own = tmp_path / "policy.yaml"
    own.write_text(POLICY, "utf-8")
    folder = tmp_path / "data"
    folder.mkdir()
    with OPENERS[request.param](
        folder, policy_file=str(own), originals_connect_seconds=2.0, originals_read_seconds=5.0, **address
    ) as desk:
        yield desk


class Ended:
    """A case with two judged photos that was cancelled, longer ago than originals stay."""

    def __init__(self, desk: Desk, photos: int = 2, *, seed: int = 1) -> None:
        self.desk = desk
        self.id = desk.open_case()
        self.task = desk.assign(self.id)
        self.media = desk.media(self.id)
        self.data: dict[str, bytes] = {}
        for number in range(photos):
            self.take(f"p-{number}", picture(seed + number, size=(200, 150)))
        desk.intake()

    def take(self, photo: str, data: bytes) -> None:
        document = photo_document(photo, self.task, "PH-01", data=data)
        document |= {"sha256": hashlib.sha256(data).hexdigest(), "width": 200, "height": 150}
        self.desk.write("inspector", self.media, document)
        self.data[photo] = data

    def cancel(self) -> None:
        self.desk.post(f"/cases/{self.id}/tasks/{self.task}/cancel", {"reason": "no longer needed"})
        self.desk.post(f"/cases/{self.id}/transitions", {"to": "cancelled", "note": "the customer moved"})

    def over(self) -> Ended:
        self.cancel()
        self.desk.clock.forward(days=DAYS + 1)
        return self

    def move(self, **more: Any) -> list[Item]:
        return list(Mover(self.desk.made, **more).move(self.desk.case(self.id)))

    def document(self, photo: str = "p-0") -> dict[str, Any]:
        return self.desk.document(self.media, f"photo:{photo}")

    def read(self, photo: str = "p-0") -> bytes:
        """The original through the door."""
        with self.desk.made.originals.find(self.media, f"photo:{photo}") as original:
            return original.open().read()


@pytest.fixture
def ended(desk: Desk) -> Ended:
    return Ended(desk).over()


@pytest.fixture
def bucket(address: dict[str, str]) -> Iterator[Bucket]:
    made = Bucket(options(address["originals_endpoint"], address["originals_bucket"]))
    yield made
    made.close()
