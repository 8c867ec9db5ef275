# ruff: noqa: T201
"""How much memory eight videos of 20 MB take that are delivered at once.

The unchanged bot is a process of its own between both embedded servers. Eight members ask in
eight channels; Pika finishes all eight at the same moment, and Discord takes each upload as
slowly as a network would, so that they really are under way together. Twice: in a server
whose boosts let it take the videos as they are, and in one that takes 10 MiB, so that every
video has to be encoded again.

"Before" is the bot at rest after one small video, so that what every process loads once is not
counted. The peak is the kernel's own high-water mark (``VmHWM``), set back just before the
videos are finished; children (ffmpeg) are sampled and told apart. Linux only.

Run: ``python tests/bench/memory.py [--videos N] [--megabytes N]``. Exit code 1 when the
addition is more than 64 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop

from bot.sandbox.discord import Fault, Message
from bot.sandbox.discord.guilds import MIB
from tests.bench.machine import machine
from tests.e2e.town import Scene, Town, clip, noisy_clip, number

AIM = 64e6
POST = "/channels/{channel_id}/messages"
SMALL_LIMIT = 10 * MIB
UPLOAD_SECONDS = 1.5
"""How long Discord takes for an upload: about 100 Mbit/s."""

DELIVERED_SECONDS = 300.0
REST_SECONDS = 3.0


@dataclass
class Memory:
    """Bytes of the bot: at rest before, at the peak, at rest after; of its children at most."""

    before: int = 0
    peak: int = 0
    after: int = 0
    children: int = 0
    seconds: float = 0.0

    @property
    def added(self) -> int:
        """What the videos took at most."""
        return self.peak - self.before

    def row(self, name: str) -> str:
        """One line of the table."""
        sizes = (self.before, self.peak, self.after, self.added, self.children)
        return (
            f"{name:<30}"
            + "".join(f"{size / 1e6:9.1f}" for size in sizes)
            + (f"{self.seconds:9.1f} s")
        )


class Watched:
    """The memory of one process."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._proc = Path(f"/proc/{pid}")
        self.children = 0

    @property
    def now(self) -> int:
        """Bytes it holds now."""
        return int(self._process.memory_info().rss)

    def forget_peak(self) -> None:
        """Set the kernel's high-water mark back (Linux, proc(5), ``clear_refs``)."""
        (self._proc / "clear_refs").write_text("5")
        self.children = 0

    @property
    def peak(self) -> int:
        """Bytes it held at most since then."""
        lines = (self._proc / "status").read_text().splitlines()
        (found,) = (line for line in lines if line.startswith("VmHWM"))
        return int(found.split()[1]) * 1024

    async def watch_children(self) -> None:
        """Until cancelled."""
        while True:
            total = 0
            for child in self._process.children(recursive=True):
                with suppress(psutil.Error):
                    total += child.memory_info().rss
            self.children = max(self.children, total)
            await asyncio.sleep(0.02)


async def measure(folder: Path, video: bytes, videos: int, *, boost_tier: int) -> Memory:
    """Deliver so many videos at once in a server of this boost tier."""
    town = Town(folder, None, instant=False, video_bytes=video)
    town.discord.record = False
    await town.open()
    try:
        scene = Scene(town)
        scene.guild.boost_tier = boost_tier
        scene.discord.upload_limit = SMALL_LIMIT
        await scene.start(PIKA_MAX_JOBS=str(videos), LOG_LEVEL="WARNING")
        town.pika.script(video=clip())
        await scene.delivered(await scene.card())
        return await _all_at_once(scene, videos)
    finally:
        await town.close()


async def _all_at_once(scene: Scene, videos: int) -> Memory:
    pika, found = scene.pika, Memory()
    pika.pause()
    cards: list[Message] = []
    for place in range(videos):
        channel = scene.guild.create_text_channel(f"videos-{place}")
        member = scene.newcomer(f"member-{place}")
        cards.append(await scene.card(who=member, where=channel, prompt=f"noise {place}"))
    for card in cards:
        await scene.state(card, "rendering")
    await asyncio.sleep(REST_SECONDS)

    assert scene.town.bot is not None
    watched = Watched(scene.town.bot.process.pid)
    found.before = watched.now
    watched.forget_peak()
    watcher = asyncio.create_task(watched.watch_children())
    scene.discord.faults.add(Fault("POST", POST, delay=UPLOAD_SECONDS, times=None))
    began = time.perf_counter()
    await asyncio.gather(*(pika.finish(jobid) for jobid in list(pika.executing)))
    for card in cards:
        await scene.result(card, seconds=DELIVERED_SECONDS)
        await scene.says_on(card, "Done")
    found.seconds = time.perf_counter() - began
    found.peak = watched.peak
    watcher.cancel()
    await asyncio.sleep(REST_SECONDS)
    found.after, found.children = watched.now, watched.children
    assert {scene.job(number(card))["state"] for card in cards} == {"delivered"}
    return found


async def main(arguments: argparse.Namespace) -> int:
    """Both ways; 1 when one of them took more than it may."""
    video = noisy_clip(arguments.megabytes, seconds=3)
    print(f"{machine()}\n\n{arguments.videos} videos of {len(video) / 1e6:.1f} MB at once, in MB")
    heads = ("before", "peak", "after", "added", "ffmpeg")
    print(f"{'':<30}" + "".join(f"{head:>9}" for head in heads))
    worst = 0
    for name, tier in (("taken as they are", 2), ("encoded again", 0)):
        with tempfile.TemporaryDirectory(prefix="pika-memory-") as folder:
            found = await measure(Path(folder), video, arguments.videos, boost_tier=tier)
        print(found.row(name), flush=True)
        worst = max(worst, found.added)
    met = worst < AIM
    print(f"\nadds less than {AIM / 1e6:g} MB: {'yes' if met else 'NO'} ({worst / 1e6:.1f} MB)")
    return 0 if met else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--megabytes", type=float, default=17.0, help="asked of the encoder")
    sys.exit(uvloop.run(main(parser.parse_args())))
