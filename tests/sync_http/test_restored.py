"""After a restore a replicator's checkpoint is taken only from one that has begun anew."""

from __future__ import annotations

from typing import Any

from sync.embedded.engine import EmbeddedStore
from tests.sync_http.conftest import Asker

CHECKPOINT: dict[str, Any] = {"session_id": "s", "history": [], "last_seq": 7, "replicator": "pouchdb"}


def test_checkpoints_from_before_are_gone_and_other_local_documents_stay(
    store: EmbeddedStore, admin: Asker, free: str
) -> None:
    admin.put(f"/{free}/_local/push", CHECKPOINT)
    admin.put(f"/{free}/_local/notes", {"v": 1})
    store.put_local(free, "follow-intake", {"seq": "3-ab"})
    store.mark_restored()
    admin.get(f"/{free}/_local/push", status=404)
    assert admin.get(f"/{free}/_local/notes")["v"] == 1
    assert store.get_local(free, "follow-intake") is not None


def test_who_went_on_all_the_time_is_refused_until_it_begins_anew(
    store: EmbeddedStore, admin: Asker, free: str
) -> None:
    store.mark_restored()
    # It pushed on, and reads its checkpoint only to write it.
    admin.get(f"/{free}/_local/push", status=404)
    refused = admin.put(f"/{free}/_local/push", CHECKPOINT, status=503)
    assert refused["error"] == "restored"
    admin.get(f"/{free}/_local/push", status=404)  # so it begins anew
    admin.put(f"/{free}/_local/push", CHECKPOINT)
    admin.put(f"/{free}/_local/push", CHECKPOINT)
    admin.put(f"/{free}/_local/other", CHECKPOINT, status=503)  # each for itself


def test_what_is_no_checkpoint_and_what_was_never_restored_is_not_concerned(
    store: EmbeddedStore, admin: Asker, free: str
) -> None:
    admin.put(f"/{free}/_local/push", CHECKPOINT)
    store.mark_restored()
    admin.put(f"/{free}/_local/notes", {"v": 1})
    admin.put("/later")
    admin.put("/later/_local/push", CHECKPOINT)
