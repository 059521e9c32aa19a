"""Where a webhook may point: never inside, unless the setting says so.

A name is resolved once, every address that it has is looked at, and the connection goes to the address that
was looked at: a name that says something else a moment later leads nowhere.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from server.networks import Network

Address = IPv4Address | IPv6Address
#: The addresses of a name and port. Raises OSError.
Resolver = Callable[[str, int], Sequence[str]]

_LONGEST_URL = 2000
#: Prefixes in which an IPv4 address is carried: it is that one which is reached (RFC 6052, 3056).
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


class TargetRefused(ValueError):
    """A target that nothing is sent to; `code` is of the catalogue's `webhook.…`."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Target:
    """A URL taken apart: `path` with its query, as it goes into the request."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the `Host` header has it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


def read_target(url: str) -> Target:
    """Raises TargetRefused for what is no plain http or https URL."""
    if len(url) > _LONGEST_URL or not url.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise TargetRefused("url_odd")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("url_odd") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetRefused("url_odd")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetRefused("url_with_secrets")
    secure = parts.scheme == "https"
    path = parts.path or "/"
    return Target(
        secure,
        parts.hostname,
        port or (443 if secure else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )


def resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]) for row in found]


def admitted_address(target: Target, inside: Sequence[Network], resolver: Resolver = resolve) -> str:
    """The address to connect to. Raises TargetRefused if any of the name's addresses is inside and not in one
    of the networks `inside`, or if an unencrypted one is not; OSError if the name has none.
    """
    try:
        found = [_plain(one) for one in resolver(target.host, target.port)]
    except OSError:
        if not target.secure and not inside:  # wherever it may lead one day, nothing is sent there so
            raise TargetRefused("not_encrypted") from None
        raise
    if not found:
        raise TargetRefused("no_address", host=target.host)
    for address in found:
        if any(address.version == network.version and address in network for network in inside):
            continue
        if not _is_outside(address):
            raise TargetRefused("address_inside", address=str(address))
        if not target.secure:
            raise TargetRefused("not_encrypted")
    return str(found[0])


def _plain(text: str) -> Address:
    """The address that is really reached."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address.teredo is not None:
            return address.teredo[1]
        if any(address in network for network in _NAT64):
            return IPv4Address(address.packed[-4:])
    return address


def _is_outside(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
