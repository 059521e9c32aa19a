"""Users: made whole, changed by compare and swap, never without an administrator."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.people.model import USER_NAME_SHAPE
from server.people.service import People, UserChange
from server.problems import Problem
from sync.embedded.engine import EmbeddedStore
from sync.store import Security


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def test_a_new_user_has_an_inbox_to_read_and_an_outbox_to_write(people: People, store: EmbeddedStore) -> None:
    inbox, outbox = store.security("t-inbox-wei"), store.security("t-outbox-wei")
    assert inbox["members"]["names"] == ["wei"]
    assert inbox["hezha"] == {"kind": "inbox", "writers": []}
    assert outbox["members"]["names"] == ["wei"]
    assert outbox["hezha"] == {"kind": "outbox", "writers": ["wei"]}


def test_nobody_but_the_server_is_a_member_of_the_registry(people: People, store: EmbeddedStore) -> None:
    security = store.security("t-registry")
    assert security["members"] == {"names": [], "roles": ["_admin"]}


def test_a_user_half_made_before_is_made_whole(people: People, store: EmbeddedStore) -> None:
    """The server died between the databases and the user; adding again works and mends who may read."""
    store.create_database("t-inbox-ming", Security(members=("somebody",)))
    people.add_user("ming", "ming-password", roles=["inspector"])
    assert store.security("t-inbox-ming")["members"]["names"] == ["ming"]
    assert store.security("t-outbox-ming")["hezha"]["writers"] == ["ming"]


@pytest.mark.parametrize(
    "name", ["Wei", "w", "x" * 41, "a.b", "a b", "_admin", "-a", "", "a/b", "wei\n", "hezha", "魏"]
)
def test_names_that_cannot_be_part_of_a_database_name_are_refused(people: People, name: str) -> None:
    assert (
        refusal(lambda: people.add_user(name, "some-password", roles=["inspector"])).code
        == "user_name_invalid"
    )
    assert "." not in USER_NAME_SHAPE.replace("{1,39}", "")


def test_a_name_is_taken_once_however_many_ask_at_once(people: People) -> None:
    def add(n: int) -> str:
        try:
            people.add_user("ming", f"ming-password-{n}", roles=["inspector"])
        except Problem as problem:
            return problem.code
        return "made"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(add, range(6)))
    assert outcomes == ["made", *["user_exists"] * 5]


def test_a_repeated_request_gives_the_user_it_made_and_no_other(people: People) -> None:
    def add(password: str = "ming-password", key: str | None = "k1", role: str = "inspector") -> object:
        return people.add_user("ming", password, roles=[role], idempotency_key=key)

    first = add()
    assert add() == first
    assert refusal(lambda: add(key="k2")).code == "user_exists"
    assert refusal(lambda: add(key=None)).code == "user_exists"
    assert refusal(lambda: add(password="other-password")).code == "idempotency_key_reused"
    assert refusal(lambda: add(role="admin")).code == "idempotency_key_reused"


@pytest.mark.parametrize("roles", [[], ["_admin"], ["inspector", "boss"]])
def test_only_roles_of_hezha_exist(people: People, roles: list[str]) -> None:
    """CouchDB's `_admin` above all cannot be given to a person."""
    assert refusal(lambda: people.add_user("ming", "ming-password", roles=roles)).code == "role_unknown"
    assert (
        refusal(lambda: people.update_user("wei", UserChange(roles=tuple(roles)), by="root")).code
        == "role_unknown"
    )


def test_a_change_made_on_an_old_reading_is_refused(people: People) -> None:
    read = people.user("wei")
    people.update_user("wei", UserChange(display_name="first"), by="root", if_version=read.version)
    late = refusal(
        lambda: people.update_user(
            "wei", UserChange(display_name="second"), by="root", if_version=read.version
        )
    )
    assert late.status == 412
    assert people.user("wei").display_name == "first"


def test_signing_in_is_not_a_change_that_an_administrator_has_to_read_again(people: People) -> None:
    read = people.user("wei")
    people.login("wei", "wei-password")
    people.update_user("wei", UserChange(display_name="still right"), by="root", if_version=read.version)


def test_a_change_that_changes_nothing_is_no_new_version(people: People) -> None:
    before = people.user("wei")
    assert people.enable("wei") == before
    assert people.update_user("wei", UserChange(), by="root") == before


def test_the_last_administrator_stays(people: People) -> None:
    assert refusal(lambda: people.disable("root")).code == "last_admin"
    demote = UserChange(roles=("auditor",))
    assert refusal(lambda: people.update_user("root", demote, by="root")).code == "last_admin"
    people.add_user("second", "second-password", roles=["admin"])
    people.disable("root")
    assert refusal(lambda: people.disable("second")).code == "last_admin"


def test_lists_are_narrowed_by_role_organisation_state_and_words(people: People) -> None:
    people.add_user("ming", "ming-password", roles=["manager", "scheduler"], organisation="north")
    people.disable("wei")
    assert [u.name for u in people.users()] == ["ming", "root", "wei"]
    assert [u.name for u in people.users(role="scheduler")] == ["ming"]
    assert [u.name for u in people.users(organisation="demo")] == ["root", "wei"]
    assert [u.name for u in people.users(disabled=True)] == ["wei"]
    assert [u.name for u in people.users(q="检查")] == ["wei"]
    assert [u.name for u in people.users(q="MIN")] == ["ming"]


def test_unknown_users_and_devices_are_not_there(people: People) -> None:
    for name in ("nobody", "", "../root", "user:wei"):
        assert refusal(lambda n=name: people.user(n)).status == 404  # type: ignore[misc]
        assert refusal(lambda n=name: people.disable(n)).status == 404  # type: ignore[misc]
        assert people.devices(name) == []
    assert refusal(lambda: people.revoke_device("no-such-device", by="root")).status == 404
    assert refusal(lambda: people.revoke_device("user:wei", by="root")).status == 404


def test_a_device_is_revoked_even_if_the_inbox_is_gone(people: People, store: EmbeddedStore) -> None:
    from server.people.sessions import DeviceClaim

    device = people.login("wei", "wei-password", DeviceClaim("tablet")).device
    store.delete_database("t-inbox-wei")
    assert people.revoke_device(device.id, by="root").revoked
