"""Nothing is sent inside, whatever a name, a number or a redirect says."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from server.networks import read_networks
from server.webhooks.addresses import TargetRefused, admitted_address, read_target

OUTSIDE = "93.184.216.34"


def resolver(*addresses: str) -> object:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


def admitted(url: str, *addresses: str, inside: str = "") -> str:
    return admitted_address(read_target(url), read_networks(inside), resolver(*addresses))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_what_is_inside_is_refused(address: str) -> None:
    with pytest.raises(TargetRefused, match="address_inside"):
        admitted("https://example.org/", address)


def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(TargetRefused, match="address_inside"):
        admitted("https://example.org/", OUTSIDE, "10.0.0.1")


def test_an_address_outside_is_the_one_that_is_connected_to() -> None:
    assert admitted("https://example.org/", OUTSIDE) == OUTSIDE
    assert admitted("https://example.org/", "2606:4700::1111") == "2606:4700::1111"


def test_a_network_of_ones_own_may_be_named_and_may_be_plain() -> None:
    assert admitted("http://bus.example.org/", "10.20.0.7", inside="10.20.0.0/16, fd00::/8") == "10.20.0.7"
    with pytest.raises(TargetRefused, match="address_inside"):
        admitted("http://bus.example.org/", "10.21.0.7", inside="10.20.0.0/16")
    with pytest.raises(TargetRefused, match="not_encrypted"):
        admitted("http://example.org/", OUTSIDE, inside="10.20.0.0/16")


def test_where_nothing_inside_is_admitted_a_plain_url_is_refused_before_its_name_leads_anywhere() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    target = read_target("http://hook.example/x")
    with pytest.raises(TargetRefused, match="not_encrypted"):
        admitted_address(target, (), unknown)
    for known in (target, read_target("https://hook.example/x")):
        with pytest.raises(OSError, match="no such name"):
            admitted_address(known, read_networks("10.0.0.0/8"), unknown)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.org/", "url_odd"),
        ("file:///etc/passwd", "url_odd"),
        ("https://", "url_odd"),
        ("https://example.org:99999/", "url_odd"),
        ("https://example.org/\r\nHost: x", "url_odd"),
        ("https://exämple.org/", "url_odd"),
        ("https://example.org/" + "x" * 2000, "url_odd"),
        ("https://user:word@example.org/", "url_with_secrets"),
        ("https://user@example.org/", "url_with_secrets"),
        ("https://example.org/#a", "url_with_secrets"),
    ],
)
def test_an_odd_url_is_refused(url: str, code: str) -> None:
    with pytest.raises(TargetRefused, match=code):
        read_target(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_odd_spellings_of_the_loopback_lead_where_they_lead(host: str) -> None:
    """The system's own resolver is asked, so what it understands is what is looked at."""
    try:
        with pytest.raises(TargetRefused, match="address_inside"):
            admitted_address(read_target(f"https://{host}/"), ())
    except socket.gaierror:
        pytest.skip("this system's resolver does not know the spelling")


def test_a_target_is_taken_apart() -> None:
    target = read_target("https://[2606:4700::1111]:8443/a?b=c")
    assert (target.host, target.port, target.path) == ("2606:4700::1111", 8443, "/a?b=c")
    assert target.authority == "[2606:4700::1111]:8443"
    assert read_target("https://example.org").authority == "example.org"
