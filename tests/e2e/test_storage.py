"""Trouble of the storage under the bot as a process, and signals at any moment of its life."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.process import BotProcess
from bot.sandbox.discord import Fault, Message
from bot.sandbox.pika import PikaFault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import PATIENCE, STOP_SECONDS, Ended, Scene, Town, clip, pika_bot
from tests.ports import free_port
from tests.storage_faults import damage, locked

KIB = 1024
MIB = 1024 * KIB
NO_STORAGE = ("storage has trouble", "nothing was charged", "try again")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux to look inside")


def padded(video: bytes, size: int) -> bytes:
    """The same video as a file of about this size: players skip a box of the kind ``free``."""
    return video + size.to_bytes(4) + b"free" + bytes(size - 8)


class Watched(Scene):
    """A scene whose bot tells whether it is ready; one job was delivered, another is at Pika."""

    SETTINGS: ClassVar = {"HTTP_PORT": str(free_port()), "LOG_LEVEL": "INFO"}
    waiting: Message

    async def begin(self) -> None:
        """Bring the jobs there."""
        await self.delivered(await self.card())
        self.pika.pause()
        self.waiting = await self.card()
        await self.state(self.waiting, "rendering")
        pending = "SELECT id FROM delivery WHERE state = 'pending'"
        await self.until(lambda: not self.town.rows(pending))

    async def checks(self) -> dict[str, str]:
        """What ``/readyz`` says of each check."""
        url = f"http://127.0.0.1:{self.SETTINGS['HTTP_PORT']}/readyz"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            told = json.loads(await answer.text())
            assert (answer.status == 200) is told["ready"]
            checks: dict[str, str] = told["checks"]
            return checks

    async def becomes(self, check: str, words: str) -> None:
        """Wait until the check says this."""
        seen = ""
        async with asyncio.timeout(PATIENCE):
            while seen != words:
                seen = (await self.checks())[check]
                await asyncio.sleep(0.1)

    async def refuses(self) -> None:
        """Commands and buttons are refused in time, privately, in words for people; what only
        reads is answered.
        """
        before = len(self.jobs)
        began = time.monotonic()
        said = [await self.refused(), await self.refused()]
        pressed = await self.press(self.alice, self.waiting, label="Cancel")
        assert time.monotonic() - began < 2 * 3
        assert pressed.ephemeral
        assert pressed.message is not None
        for text in (*said, pressed.message.text):
            assert [words for words in NO_STORAGE if words not in text] == []
        assert "credits" in await self.says("quota")
        assert len(self.jobs) == before

    async def delivered_nothing_yet(self) -> None:
        """The job that is at Pika is there still, and nothing was charged for it."""
        await asyncio.sleep(0.3)
        assert self.job(self.waiting)["state"] == "rendering"
        assert self.hold(self.waiting) == "held"

    async def goes_on(self) -> None:
        """Without anybody's help: what waits is delivered once, and what is asked for now."""
        await self.becomes("database", "ok")
        self.pika.resume()
        await self.delivered(self.waiting)
        await self.delivered(await self.card())
        assert len(self.accepted) == 3
        assert await self.left() == 2

    def told_once(self, *words: str) -> None:
        """The operator reads it once."""
        assert len(self.logged("ERROR", *words)) == 1, self.story


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def town(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[Town]:
    """A town for all of these tests, whose videos are rather large."""
    made = Town(tmp_path_factory.mktemp("storage"), openapi, video_bytes=padded(clip(), 3 * MIB))
    await made.open()
    await made.start(**Watched.SETTINGS)
    try:
        yield made
        assert await made.stop() == 0, made.log[-4000:]
    finally:
        await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(town: Town, request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    """A server of its own in that town."""
    scene = Watched(town, f"Club {request.node.name[:40]}")
    await scene.begin()
    yield scene
    town.pika.resume()
    await scene.check(stop=False)


@contextmanager
def breaking(scene: Scene, size: int) -> Iterator[None]:
    """The bot can write to no file beyond ``size`` bytes: the system refuses it."""
    resource = pytest.importorskip("resource")
    bot = scene.town.bot
    assert bot is not None
    pid = bot.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@needs_linux
async def test_a_disk_that_takes_no_more(watched: Watched) -> None:
    """In the middle of everything, the system refuses every write: members are told, readiness
    says so, the operator reads it once. Once it takes them again, all goes on: nothing is lost,
    doubled or charged twice, nothing half-written lies about.
    """
    limit = 64 * KIB
    await watched.until(lambda: (watched.town.data / "pika.db-wal").stat().st_size > limit)
    assert (watched.town.folder / "bot.log").stat().st_size < limit / 2
    with breaking(watched, limit):
        await watched.refuses()
        await watched.becomes("database", "disk error")
        watched.pika.resume()
        await watched.delivered_nothing_yet()
    await watched.goes_on()
    watched.told_once("nothing can be written to", "disk error")
    assert list((watched.town.data / "videos").iterdir()) == []


@needs_linux
async def test_a_video_for_which_there_is_no_room_comes_later(watched: Watched) -> None:
    """The database still takes writes, the video does not fit: its job is not failed, its credit
    is held, and it is fetched as soon as there is room.
    """
    with breaking(watched, 2 * MIB):
        watched.pika.resume()
        await watched.until(lambda: watched.logged("ERROR", "files cannot be stored"))
        await watched.delivered_nothing_yet()
        assert (await watched.checks())["database"] == "ok"
        videos = watched.town.data / "videos"
        # A try may be under way: what it wrote goes with it.
        await watched.until(lambda: not list(videos.iterdir()))
    await watched.goes_on()
    watched.told_once("files cannot be stored")


async def test_a_database_that_is_moved_away(watched: Watched) -> None:
    """SQLite would go on in a file that nobody finds again: commands are refused until it is
    back where it was.
    """
    path = watched.town.data / "pika.db"
    away = path.rename(path.with_name("away"))
    assert "storage has trouble" in await watched.refused()
    away.rename(path)
    await watched.goes_on()
    watched.told_once("moved or deleted")


async def test_a_copy_of_what_was_refused_is_not_acted_on(watched: Watched) -> None:
    """An event came twice: the first one was refused, as nothing could be written down, and the
    copy came when it could. Whatever was said first holds, for a command and for a button.
    """
    path = watched.town.data / "pika.db"
    before = len(watched.jobs)
    press = partial(watched.discord.press, watched.alice, watched.waiting, label="Cancel")
    for ask in (watched.ask, press):
        away = path.rename(path.with_name("away"))
        asked = await ask()
        watched.asked.append(asked)
        assert "storage has trouble" in (await asked.answered()).text
        away.rename(path)
        await watched.becomes("database", "ok")
        copies = len(watched.logged("arrived twice"))
        watched.discord.gateway.replay_last_interaction()
        await watched.until(lambda seen=copies: len(watched.logged("arrived twice")) > seen)
    assert "credits" in await watched.says("quota")  # comes after whatever the copies did
    assert len(watched.jobs) == before
    assert watched.job(watched.waiting)["cancel_asked_at"] is None
    await watched.goes_on()


async def test_a_database_that_another_program_holds(watched: Watched) -> None:
    """While somebody else writes and does not come to an end: refused in time, told in words.
    A SIGTERM in the middle of it ends the bot with 0 in time, and the next start goes on.
    """
    path = watched.town.data / "pika.db"
    with locked(path):
        await watched.refuses()
        await watched.becomes("database", "locked by another program")
        began = time.monotonic()
        assert await watched.town.stop() == 0
        assert time.monotonic() - began < STOP_SECONDS
    watched.told_once("locked by another program: end the program that holds it")
    assert not watched.logged("the stop took longer")
    await watched.town.restart(**Watched.SETTINGS)
    await watched.goes_on()


async def test_a_start_that_cannot_use_its_database_says_so(town: Town, tmp_path: Path) -> None:
    """Damaged, or held by another program: 78, one line, what to do, no traceback."""
    folders = {name: tmp_path / name for name in ("damaged", "held")}
    settings = {
        name: town.settings(DATA_DIR=str(data), LOG_LEVEL="WARNING")
        for name, data in folders.items()
    }
    for data in folders.values():
        data.mkdir()
        with (
            closing(sqlite3.connect(town.data / "pika.db")) as db,
            closing(sqlite3.connect(data / "pika.db")) as copy,
        ):
            db.backup(copy)
    damage(folders["damaged"] / "pika.db", "job")
    with locked(folders["held"] / "pika.db"):
        runs = (pika_bot("run", folder=tmp_path, **own) for own in settings.values())
        ends: dict[str, Ended] = dict(zip(settings, await asyncio.gather(*runs), strict=True))
    for name, words in (("damaged", "damaged: "), ("held", "locked by another program: ")):
        assert ends[name].code == 78, ends[name].err
        (line,) = ends[name].err.strip().splitlines()
        assert line.startswith(f"pika-bot: DATA_DIR: {folders[name]}/pika.db: {words}")


# -- signals --------------------------------------------------------------------------------


class Early:
    """A bot that is told to end while it begins."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.bot = BotProcess(town.settings(DATA_DIR=str(folder / "data")), folder)

    def hears(self) -> bool:
        """Whether code of ours runs: the process has said what is to become of SIGTERM."""
        status = Path(f"/proc/{self.bot.process.pid}/status").read_text()
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)

    async def end(self, how: signal.Signals, after: float) -> tuple[int, str]:
        """Start it and send the signal so long after it could hear it; its code and its log."""
        await self.bot.start()
        try:
            async with asyncio.timeout(30):
                while not self.hears():  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.001)
                await asyncio.sleep(after)
                self.bot.process.send_signal(how)
                await self.bot.process.wait()
        finally:
            await self.bot.kill()
        return self.bot.process.returncode or 0, self.bot.log()


@needs_linux
async def test_a_signal_at_any_moment_of_the_start_ends_it_with_0(
    town: Town, tmp_path: Path
) -> None:
    """From the first line of ours on: imports, the schema, the loop, the login. Nothing is left
    half-done: what there is of a database is whole.
    """
    moments = [(number, number * 0.12) for number in range(12)]
    places = asyncio.Semaphore(4)

    async def one(number: int, after: float) -> None:
        folder = tmp_path / f"early-{number}"
        how = signal.SIGINT if number % 3 == 1 else signal.SIGTERM
        async with places:
            code, log = await Early(town, folder).end(how, after)
        assert code == 0, f"{how.name} after {after:.2f} s: {code}\n{log[-2000:]}"
        assert "Traceback" not in log
        database = folder / "data" / "pika.db"
        if database.exists():
            with closing(sqlite3.connect(database)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    await asyncio.gather(*(one(number, after) for number, after in moments))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that takes connections and never says anything."""
    with suppress(OSError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("deaf", ["the login", "the gateway"])
async def test_a_bot_that_waits_for_discord_ends_in_time(open_scene: OpenScene, deaf: str) -> None:
    """Discord takes the connection and never answers: SIGTERM ends the bot with 0."""
    scene = await open_scene(run=False)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if deaf == "the login":
        fault = Fault("GET", "/users/@me", delay=60.0, times=None)
    else:
        gateway = {
            "url": f"ws://127.0.0.1:{port}",
            "shards": 1,
            "session_start_limit": {
                "total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1
            },
        }  # fmt: skip
        fault = Fault("GET", "/gateway/bot", status=200, body=gateway, times=None)
    scene.discord.faults.add(fault)
    bot = scene.town.bot = BotProcess(scene.town.settings(), scene.town.folder)
    await bot.start()
    await scene.until(lambda: fault.used)
    await asyncio.sleep(0.3)
    began = time.monotonic()
    assert await scene.town.stop() == 0, scene.story
    assert time.monotonic() - began < STOP_SECONDS
    server.close()


async def test_a_stop_does_not_wait_for_a_video_that_does_not_come(
    open_scene: OpenScene,
) -> None:
    """Pika's host is silent in the middle of a download: 0 in time, and the next start fetches."""
    scene = await open_scene()
    hang = PikaFault("cdn", "hang", times=None)
    scene.pika.faults.add(hang)
    card = await scene.card()
    await scene.until(lambda: hang.hits)
    began = time.monotonic()
    assert await scene.town.stop() == 0, scene.story
    assert time.monotonic() - began < STOP_SECONDS
    assert [path.name for path in (scene.town.data / "videos").iterdir()] == []
    scene.pika.faults.clear()
    await scene.town.restart()
    await scene.delivered(card)
    assert scene.hold(card) == "charged"
