"""Users, devices and their keys in the registry database, written by compare and swap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from server.people.merging import merged_device, merged_key, merged_user
from server.people.model import (
    DEVICE_PREFIX,
    KEY_PREFIX,
    USER_PREFIX,
    Device,
    DeviceKey,
    User,
    device_document,
    key_document,
    to_device,
    to_key,
    to_user,
    user_document,
)
from server.problems import Problem
from sync.changing import change_document
from sync.conflicts import Merge, find_settled
from sync.store import Conflict, DatabaseExists, Document, DocumentStore, NotFound, Security

V = TypeVar("V", User, Device, DeviceKey)

#: How often a write that lost a race is tried again before the caller is told to come back.
MAX_TRIES = 32


class Registry:
    """Reads and writes people; raises Problem 503 if a write loses every race."""

    def __init__(self, store: DocumentStore, database: str) -> None:
        self._store = store
        self._db = database

    def ensure(self) -> None:
        """Make the database where it is missing: nobody but the server reads or writes it."""
        try:
            self._store.create_database(self._db, Security(kind="registry"))
        except DatabaseExists:
            return

    def moment(self) -> str | None:
        """Another text after every change; who has read people at this one need not read them again.

        None on a cluster: a replica that lags would say that nothing has changed.
        """
        return self._store.info(self._db).update_seq if self._store.exact_revisions else None

    def user(self, name: str) -> User | None:
        document = find_settled(self._store, self._db, USER_PREFIX + name, merged_user)
        return None if document is None else to_user(document)

    def users(self) -> Iterator[User]:
        """Everybody, by name."""
        return (to_user(document) for document in self._store.all_docs(self._db, prefix=USER_PREFIX))

    def device(self, device_id: str) -> Device | None:
        document = find_settled(self._store, self._db, DEVICE_PREFIX + device_id, merged_device)
        return None if document is None else to_device(document)

    def devices(self, ids: Iterable[str]) -> list[Device]:
        """Those of `ids` that exist."""
        keys = [DEVICE_PREFIX + device_id for device_id in ids]
        return [to_device(document) for document in self._store.all_docs(self._db, keys=keys)] if keys else []

    def all_devices(self) -> Iterator[Device]:
        return (to_device(document) for document in self._store.all_docs(self._db, prefix=DEVICE_PREFIX))

    def key(self, kid: str) -> DeviceKey | None:
        document = find_settled(self._store, self._db, KEY_PREFIX + kid, merged_key)
        return None if document is None else to_key(document)

    def insert_user(self, user: User) -> bool:
        """Store a new user; False if the name is taken."""
        return self._insert(user_document(user))

    def insert_device(self, device: Device) -> bool:
        """Store a new device; False if the id is taken."""
        return self._insert(device_document(device))

    def insert_key(self, key: DeviceKey) -> bool:
        """Store a new key; False if somebody has it."""
        return self._insert(key_document(key))

    def change_user(self, name: str, change: Callable[[User], User]) -> User:
        """Apply `change` to the present user, again if somebody else wrote meanwhile. Raises NotFound."""
        return self._change(USER_PREFIX + name, to_user, user_document, change, merged_user)

    def change_device(self, device_id: str, change: Callable[[Device], Device]) -> Device:
        """Apply `change` to the present device, again if somebody else wrote meanwhile. Raises NotFound."""
        return self._change(DEVICE_PREFIX + device_id, to_device, device_document, change, merged_device)

    def change_key(self, kid: str, change: Callable[[DeviceKey], DeviceKey]) -> DeviceKey:
        """Apply `change` to the present key, again if somebody else wrote meanwhile. Raises NotFound."""
        return self._change(KEY_PREFIX + kid, to_key, key_document, change, merged_key)

    def remove_device(self, device_id: str) -> None:
        """Delete a device that nobody is signed in on; does nothing if it changed or went meanwhile."""
        document = find_settled(self._store, self._db, DEVICE_PREFIX + device_id, merged_device)
        if document is None:
            return
        try:
            self._store.put(
                self._db,
                {"_id": document["_id"], "_rev": document["_rev"], "_deleted": True, "type": "device"},
            )
        except Conflict:
            return

    def _insert(self, document: Document) -> bool:
        try:
            self._store.put(self._db, document)
        except Conflict:
            return False
        return True

    def _change(
        self,
        doc_id: str,
        read: Callable[[Document], V],
        write: Callable[[V], Document],
        change: Callable[[V], V],
        merge: Merge,
    ) -> V:
        def find() -> Document:
            document = find_settled(self._store, self._db, doc_id, merge)
            if document is None:
                raise NotFound("missing")
            return document

        try:
            changed, _ = change_document(
                self._store, self._db, find, read=read, write=write, change=change, tries=MAX_TRIES
            )
        except Conflict:
            raise Problem(503, "unavailable") from None
        return changed
