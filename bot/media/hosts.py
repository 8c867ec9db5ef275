"""From where files may be fetched."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import httpx

from bot.errors import Unusable

PUBLIC: Final = ("cdn.discordapp.com", "media.discordapp.net", "*.fal.media")
"""Discord's two file hosts and those of fal's storage."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65_535

LINK_LIMIT: Final = 1_000
"""Characters of an address that is shown; with the words around it, it must fit one message."""

_SHOWN: Final = re.compile(r"[\w:/?#@!$&',;=%.~+-]+", re.ASCII)
"""Characters of an address that end no link and begin no markup."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The list of hosts, and the rules that come with it.

    ``public`` hosts (``name``, ``name:port`` or ``*.name``) are reached over https only, on
    port 443 unless the entry says another, and only at public addresses. ``named`` hosts are
    those the operator configured as an API: any port, http too, any address.
    """

    public: frozenset[str]
    named: frozenset[str]

    @classmethod
    def of(cls, *, api_urls: Iterable[str], extra: Iterable[str] = ()) -> AllowedHosts:
        """The built-in hosts, those of the two API addresses, and ``extra`` (MEDIA_HOSTS)."""
        hosts = (httpx.URL(address).raw_host.decode("ascii").lower() for address in api_urls)
        added = (entry.strip().lower() for entry in extra)
        return cls(
            public=frozenset(PUBLIC) | frozenset(entry for entry in added if entry),
            named=frozenset(host for host in hosts if host),
        )

    def check(self, url: httpx.URL) -> bool:
        """Raise Unusable unless the address is allowed; true if its host must be public."""
        host = url.raw_host.decode("ascii").lower()
        if url.scheme not in _PORTS or not host or (url.port or 0) > _LAST_PORT:
            raise Unusable("The file's address is not a web address.")
        if url.userinfo:
            raise Unusable("The file's address holds a name and password.")
        if host in self.named:
            return False
        if url.scheme == "https" and self._is_public(host, url.port or _PORTS[url.scheme]):
            return True
        raise Unusable(f"Files may not be fetched from {_shown(host)}.")

    def may_be_shown(self, address: str) -> bool:
        """Whether people may be given this address of a file: it leads where files come from."""
        if len(address) > LINK_LIMIT or not _SHOWN.fullmatch(address):
            return False
        try:
            self.check(httpx.URL(address))
        except (httpx.InvalidURL, Unusable):
            return False
        return True

    def _is_public(self, host: str, port: int) -> bool:
        own = [host] + [f"*.{host.split('.', cut)[cut]}" for cut in range(1, host.count(".") + 1)]
        if f"{host}:{port}" in self.public:
            return True
        return port == _PORTS["https"] and any(entry in self.public for entry in own)


def _shown(host: str) -> str:
    return host if len(host) <= 80 else host[:80] + "…"


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also behind NAT64's prefix."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip.scope_id:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
