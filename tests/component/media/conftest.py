"""A web server that answers as ordered, and files to look at."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.media import AllowedHosts, Fetcher, find_ffmpeg

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Site:
    """``pages`` maps a path (with query) to the bytes of a whole answer."""

    url: str
    pages: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    behave: Behaviour | None = None

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        """Answer ``path`` with a correct response; returns the address."""
        told = {"Content-Type": "video/mp4", "Content-Length": str(len(body))}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
        self.pages[path] = f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body
        return self.url + path


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server on 127.0.0.1 that closes after each answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            state.seen.append(path)
            state.heads.append(head)
            writer.write(state.pages.get(path, b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"))
            await writer.drain()
            if state.behave is not None:
                await state.behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state = Site(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    yield state
    server.close()
    await server.wait_closed()


@pytest.fixture
async def fetcher(site: Site, tmp_path: Path) -> AsyncIterator[Fetcher]:
    """May fetch from the server, as if it were one of the APIs; impatient."""
    hosts = AllowedHosts.of(api_urls=[site.url])
    async with Fetcher(hosts=hosts, temp_dir=tmp_path, total_seconds=2, idle_seconds=0.3) as made:
        yield made


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small videos: good.mp4, late.mp4 (index last), good.webm and so on."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *arguments: str, source: str = "testsrc=s=64x48:r=24:d=1") -> None:
        command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", source, *arguments]
        subprocess.run([*command, str(folder / name)], check=True)

    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    make("good.mp4", *h264, "-movflags", "+faststart")
    make("late.mp4", *h264)
    make("good.mov", *h264)
    make("fragmented.mp4", *h264, "-g", "6", "-movflags", "frag_keyframe+empty_moov")
    make("good.webm", "-c:v", "libvpx", "-deadline", "realtime")
    make("good.mkv", *h264)
    make("sound.mp4", "-c:a", "aac", source="sine=d=1")
    make("long.mp4", *h264, source="testsrc=s=32x32:r=1:d=125")
    return folder
