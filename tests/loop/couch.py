"""The loop on Apache CouchDB: `HEZHA_TEST_COUCHDB_URL=… pytest tests/loop` runs all of it there.

Each house then keeps its documents on that CouchDB, under a prefix and with a token key of its own, and its
tablets talk to CouchDB directly. When the house is gone its databases and its key are taken away again.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping

import pytest

from sync.couch.cluster import Cluster
from sync.couch.configuration import Change
from sync.couch.store import CouchOptions, CouchStore, split_url
from sync.store import UserCtx

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")

embedded_only = pytest.mark.skipif(
    bool(COUCHDB_URL), reason="about the embedded engine alone: here tablets talk to CouchDB"
)


class Corner:
    """A part of a shared CouchDB that belongs to one house."""

    def __init__(self, url: str) -> None:
        self._name = f"loop-{secrets.token_hex(6)}"
        self.prefix = f"{self._name}-"
        self._url = url
        self._key = base64.b64encode(secrets.token_bytes(32)).decode()

    def settings(self) -> Mapping[str, str]:
        """The settings of a house that lives here, without their `HEZHA_`."""
        return {
            "COUCHDB_URL": self._url,
            "DB_PREFIX": self.prefix,
            "JWT_KEY": f"{self._name}:{self._key}",
            "SYNC_URL": split_url(self._url)[0],
        }

    def clear(self) -> None:
        """Delete every database of the house, and its key."""
        url, account = split_url(self._url)
        assert account is not None
        store = CouchStore(url, account, token_for=_nobody, options=CouchOptions(prefix=self.prefix))
        for database in store.database_names():
            store.delete_database(database)
        cluster = Cluster(store.wire)
        for node in cluster.nodes():
            if f"hmac:{self._name}" in cluster.configuration(node).get("jwt_keys", {}):
                cluster.apply(node, [Change("jwt_keys", f"hmac:{self._name}", None)])
        store.close()


def _nobody(user: UserCtx) -> str:
    raise AssertionError(f"nobody signs for {user.name} here")
