"""Keys: from the settings or a file of our own, never weak, never shown."""

from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.people.keys import KEY_FILE, load_keyring, parse_keyring
from server.settings import Settings, SettingsError


def encoded(byte: bytes, length: int = 32) -> str:
    return base64.b64encode(byte * length).decode()


def test_the_first_start_makes_a_key_that_only_we_may_read_and_later_starts_keep_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first = load_keyring(settings)
    mode = stat.S_IMODE(os.stat(tmp_path / "new" / KEY_FILE).st_mode)
    assert mode == 0o600
    assert len(first.signing.secret) == 32
    assert load_keyring(settings) == first
    assert [path.name for path in (tmp_path / "new").iterdir()] == [KEY_FILE]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: load_keyring(settings), range(8)))
    assert len({ring.signing.secret for ring in rings}) == 1


def test_a_key_of_the_settings_is_couchdbs_default_key() -> None:
    """The same base64 goes into CouchDB's `[jwt_keys] hmac:_default`."""
    ring = load_keyring(Settings(jwt_key=encoded(b"k")))
    assert (ring.signing.kid, ring.signing.secret) == ("_default", b"k" * 32)


def test_a_ring_signs_with_its_first_key_and_knows_the_others() -> None:
    ring = parse_keyring(f"k2:{encoded(b'n')}, {encoded(b'k')}", source="HEZHA_JWT_KEY")
    assert ring.signing.kid == "k2"
    old = ring.get("_default")
    assert old is not None
    assert old.secret == b"k" * 32
    assert ring.get("k3") is None


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "",
        encoded(b"k", 31),
        encoded(b"\xff")[:-1],
        encoded(b"\xff").replace("/", "_"),
        f"a b:{encoded(b'k')}",
        f"{encoded(b'k')},{encoded(b'n')}",
        f"{encoded(b'k')},",
    ],
)
def test_a_weak_or_broken_key_is_refused_by_name_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_keyring(text, source="HEZHA_JWT_KEY")
    assert "HEZHA_JWT_KEY" in str(caught.value)
    assert text == "" or text not in str(caught.value)
