"""The store on CouchDB, as the settings say. Its client library is large, and only for those who have one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from server.people.keys import Keyring, load_keyring
from server.people.tokens import issue_for_store
from server.settings import Settings, SettingsError
from sync.couch.configuration import Needs
from sync.couch.store import Account, CouchOptions, CouchStore, Patience, split_url
from sync.rules import design_document
from sync.store import UserCtx

#: Life of a token with which a single request is written for somebody.
_TOKEN_SECONDS = 120
#: Connections kept beyond one for each thread of the web server: followers, tellers, a sweep of the rules.
_SPARE_CONNECTIONS = 16


def open_couch(settings: Settings, clock: Callable[[], datetime]) -> CouchStore:
    """The store on the CouchDB of the settings. Asks nothing of it yet. Raises SettingsError."""
    url, _ = split_url(settings.couchdb_url)
    return CouchStore(
        url,
        couch_account(settings),
        token_for=_signer(load_keyring(settings), clock),
        design=design_document(),
        options=CouchOptions(
            prefix=settings.db_prefix,
            q=settings.couchdb_q or None,
            n=settings.couchdb_n or None,
            document_bytes=settings.max_document_bytes,
            attachment_bytes=settings.max_attachment_bytes,
            connections=settings.web_threads + _SPARE_CONNECTIONS,
            ca_file=settings.couchdb_ca_file,
            patience=Patience(
                connect=settings.couchdb_connect_seconds,
                read=settings.couchdb_read_seconds,
                attempts=settings.couchdb_attempts,
                longest_pause=settings.couchdb_longest_pause_seconds,
            ),
        ),
    )


def couch_account(settings: Settings) -> Account:
    """CouchDB's server admin. Raises SettingsError if the password's file cannot be read."""
    if not settings.couchdb_user:
        _, account = split_url(settings.couchdb_url)
        if account is None:
            raise SettingsError("HEZHA_COUCHDB_URL: give a server admin in it, as http://name:password@host")
        return account
    try:
        lines = Path(settings.couchdb_password_file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HEZHA_COUCHDB_PASSWORD_FILE: {error}") from None
    if not lines or not lines[0]:
        raise SettingsError("HEZHA_COUCHDB_PASSWORD_FILE: the first line is empty; put the password there")
    return Account(settings.couchdb_user, lines[0])


def couch_needs(settings: Settings, *, origins: tuple[str, ...] = ()) -> Needs:
    """What CouchDB's configuration has to say, its token keys among it."""
    return Needs(
        keys={key.kid: base64.b64encode(key.secret).decode("ascii") for key in load_keyring(settings).keys},
        document_bytes=settings.max_document_bytes,
        attachment_bytes=settings.max_attachment_bytes,
        request_bytes=settings.max_sync_request_bytes,
        origins=origins,
    )


def _signer(keyring: Keyring, clock: Callable[[], datetime]) -> Callable[[UserCtx], str]:
    def token_for(user: UserCtx) -> str:
        return issue_for_store(
            keyring,
            user=user.name or "",
            roles=user.roles,
            now=clock(),
            lifetime=timedelta(seconds=_TOKEN_SECONDS),
        )

    return token_for
