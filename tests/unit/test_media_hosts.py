"""From where files may be fetched."""

from __future__ import annotations

import httpx
import pytest

from bot.errors import Unusable
from bot.media import AllowedHosts
from bot.media.hosts import is_public

HOSTS = AllowedHosts.of(
    api_urls=["https://discord.com/api/v10", "http://127.0.0.1:9001/v1/pika"],
    extra=("Files.Example", "*.media.example", "odd.example:8443", ""),
)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://cdn.discordapp.com/a.mp4?hm=1", True),
        ("https://CDN.discordapp.com:443/a.mp4", True),
        ("https://media.discordapp.net/a.png", True),
        ("https://v3.fal.media/files/a.mp4", True),
        ("https://a.b.fal.media/a.mp4", True),
        ("https://files.example/a.mp4", True),
        ("https://x.media.example/a.mp4", True),
        ("https://odd.example:8443/a.mp4", True),
        ("http://127.0.0.1:9001/a.mp4", False),
        ("http://127.0.0.1:7/a.mp4", False),
        ("https://discord.com/a.mp4", False),
    ],
)
def test_the_list_is_reachable(url: str, public: bool) -> None:
    """Public hosts must be at public addresses; the operator's own need not be."""
    assert HOSTS.check(httpx.URL(url)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/a.mp4",
        "https://cdn.discordapp.com:8443/a.mp4",
        "https://cdn.discordapp.com.evil.example/a.mp4",
        "https://evilcdn.discordapp.com/a.mp4",
        "https://cdn.discordapp.com./a.mp4",
        "https://fal.media/a.mp4",
        "https://evilfal.media/a.mp4",
        "https://user:pw@cdn.discordapp.com/a.mp4",
        "https://cdn.discordapp.com@evil.example/a.mp4",
        "https://127.0.0.2/a.mp4",
        "https://[::1]/a.mp4",
        "https://169.254.169.254/latest",
        "https://localhost/a.mp4",
        "https://odd.example/a.mp4",
        "file:///etc/passwd",
        "ftp://cdn.discordapp.com/a",
        "/a.mp4",
        "",
    ],
)
def test_nothing_else_is(url: str) -> None:
    """Scheme, port, look-alikes, user names and bare addresses are refused."""
    with pytest.raises(Unusable):
        HOSTS.check(httpx.URL(url))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("162.159.133.233", True),
        ("2606:4700::6810:1", True),
        ("64:ff9b::a29f:85e9", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:1::1", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_public_means_the_internet(address: str, expected: bool) -> None:
    """Loopback, private, link-local, shared, multicast and disguised addresses are not."""
    assert is_public(address) is expected
