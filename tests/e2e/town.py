"""A town to test in: both embedded servers, some people, and the bot as a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ahocorasick_rs import AhoCorasick
from PIL import Image

from bot.demo.process import BotProcess, environment
from bot.media import find_ffmpeg
from bot.sandbox.discord import (
    Channel,
    EmbeddedDiscord,
    Guild,
    Invocation,
    Member,
    Message,
    TextChannel,
    Thread,
    Upload,
    User,
)
from bot.sandbox.faults import Seen
from bot.sandbox.pika import EmbeddedPika, PikaJob
from bot.store import choices
from bot.store.audit import Act
from tests.judge import books, open_work, over_limit

T = TypeVar("T")
Json = dict[str, Any]
Row = dict[str, Any]

START_SECONDS = 30.0
STOP_SECONDS = 10.0
PATIENCE = 30.0
"""How long a test waits for what must happen; on an idle machine it takes a fraction. ffmpeg is run
at low priority, so on a busy one the look at a video has been seen to take ten seconds."""

DOUBT_SECONDS = 0.8
"""Who looked within half of this after a POST, and again after all of it, has proven that Pika
does not have the job."""

FAST = {
    "PIKA_POLL_SECONDS": "0.05",
    "PIKA_BUSY_SECONDS": "0.2",
    "PIKA_DOUBT_SECONDS": str(DOUBT_SECONDS),
    "DEFAULT_QUOTA": "5",
    "DEFAULT_QUOTA_HOURS": "24",
    "DEFAULT_CONCURRENT": "100",
    "HTTP_PORT": "0",
    "LOG_LEVEL": "DEBUG",
    # Nothing is encrypted on the way to 127.0.0.1, and to read all that the system trusts is an
    # eighth of a start. ``pika_bot`` and the demo start as an operator starts them.
    "SSL_CERT_FILE": os.devnull,
    "SSL_CERT_DIR": os.devnull,
}
SECRET_DISCORD_TOKEN = "mfa.embedded-account-token-0123456789abcdef"


class Town:
    """Both servers and one bot. ``restart`` is a new process on the same data directory."""

    def __init__(
        self, folder: Path, openapi: Path | None, *, shards: int = 1, **options: Any
    ) -> None:
        self.discord = EmbeddedDiscord(openapi=openapi, shards=shards)
        self.pika = EmbeddedPika(**{"render_seconds": 0.05, "instant": True, **options})
        self.folder = folder
        self.data = folder / "data"
        self.quota, self.concurrent, self.window_ms = 5, 100, 24 * 3_600_000
        self.bot: BotProcess | None = None

    async def open(self) -> None:
        """Both servers listen; nobody is there yet."""
        await self.discord.start()
        await self.pika.start()

    async def close(self) -> None:
        """Nothing of it is left. A bot that still runs is killed."""
        if self.bot is not None:
            await self.bot.kill()
        await self.pika.stop()
        await self.discord.stop()

    def settings(self, **overrides: str) -> dict[str, str]:
        """The environment of the bot."""
        own = {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "PIKA_API_URL": self.pika.api_url,
            "PIKA_API_TOKEN": self.pika.token,
            "DATA_DIR": str(self.data),
        }
        return {**own, **FAST, **overrides}

    async def start(self, **overrides: str) -> None:
        """Start the bot; it is in its servers when this returns."""
        told = {**FAST, **overrides}
        self.quota, self.concurrent = int(told["DEFAULT_QUOTA"]), int(told["DEFAULT_CONCURRENT"])
        self.window_ms = int(float(told["DEFAULT_QUOTA_HOURS"]) * 3_600_000)
        bot = self.bot = BotProcess(self.settings(**overrides), self.folder)
        await bot.start()
        up = asyncio.ensure_future(self.discord.connected(START_SECONDS))
        died = asyncio.ensure_future(bot.process.wait())
        await asyncio.wait({up, died}, return_when=asyncio.FIRST_COMPLETED)
        if died.done():
            up.cancel()
            raise AssertionError(f"the bot stopped with code {died.result()}:\n{bot.log()}")
        died.cancel()
        await up

    async def stop(self) -> int:
        """SIGTERM; the exit code. It has ten seconds, then it is killed."""
        assert self.bot is not None
        code = await self.bot.stop(STOP_SECONDS)
        self.bot = None
        return code

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.bot is not None
        await self.bot.kill()
        self.bot = None

    async def restart(self, **overrides: str) -> None:
        """Start again, after ``stop`` or ``kill``."""
        self.discord.gateway.forget_sessions()
        await self.start(**overrides)

    @property
    def running(self) -> bool:
        """Whether the bot's process lives."""
        return self.bot is not None and self.bot.process.returncode is None

    @property
    def log(self) -> str:
        """What every process has logged so far."""
        path = self.folder / "bot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def rows(self, sql: str, **params: Any) -> list[Row]:
        """What the database says now."""
        path = self.data / "pika.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, params)]

    def change(self, sql: str, *params: Any) -> None:
        """Change the database behind the back of a bot that does not run."""
        with closing(sqlite3.connect(self.data / "pika.db", isolation_level=None)) as db:
            db.execute(sql, params)

    @property
    def secrets(self) -> list[str]:
        """What must never be seen."""
        accounts = [account.discord for account in self.pika.accounts.values()]
        return [self.discord.token, self.pika.token, SECRET_DISCORD_TOKEN, *accounts]


class Scene:
    """One test's view of a town: a server of its own with members, a channel and a thread."""

    def __init__(self, town: Town, name: str = "Film club") -> None:
        self.town = town
        self.discord = town.discord
        self.pika = town.pika
        self.guild = self.discord.world.create_guild(name)
        self.alice = self.newcomer("alice")
        self.bob = self.newcomer("bob")
        self.channel = self.guild.create_text_channel("videos")
        self.thread = self.channel.create_thread("winter clips", owner=self.alice)
        self.asked: list[Invocation] = []
        self.exit_code = 0
        self.expect_traceback = False
        self.leave_open = False
        self.clip = clip()
        self._log_from = len(town.log)
        self._accepted_from = len(self.pika.accepted)

    def newcomer(self, name: str, guild: Guild | None = None) -> Member:
        """One more member."""
        user = self.discord.world.create_user(name)
        return (guild or self.guild).join(user)

    # -- acting -------------------------------------------------------------------------------

    async def start(self, **overrides: str) -> None:
        """Start the town's bot; it knows this server when this returns."""
        await self.town.start(**overrides)

    async def ask(
        self,
        verb: str = "create",
        /,
        *,
        who: User | Member | None = None,
        where: Channel | None = None,
        **options: Any,
    ) -> Invocation:
        """Use a command, by default Alice's ``/create`` in the thread."""
        if verb == "create":
            options.setdefault("prompt", "a fox in the snow")
        invocation = await self.discord.invoke(
            who or self.alice, where or self.thread, verb, **options
        )
        self.asked.append(invocation)
        return invocation

    async def card(self, verb: str = "create", /, **options: Any) -> Message:
        """Ask for a video and return the public card that answers."""
        invocation = await self.ask(verb, **options)
        message = await invocation.answered()
        assert not invocation.ephemeral, message.text
        return message

    async def refused(self, verb: str = "create", /, **options: Any) -> str:
        """Ask for what is refused; the private words."""
        invocation = await self.ask(verb, **options)
        message = await invocation.answered()
        assert invocation.ephemeral, message.text
        return message.text

    async def press(self, who: User | Member, message: Message, **which: str) -> Invocation:
        """Press a button and wait for the answer."""
        invocation = await self.discord.press(who, message, **which)
        self.asked.append(invocation)
        await invocation.answered()
        return invocation

    async def says(self, command: str, who: Member | None = None, where: Any = None) -> str:
        """The private answer of ``/quota``, ``/jobs`` or ``/help``."""
        return await self.refused(command, who=who, where=where)

    async def forge(self, who: Member, message: Message, custom_id: str) -> str:
        """Press a button that the bot never put there; the private answer."""
        real = message.components
        button = {"type": 2, "id": 2, "style": 2, "label": "Forged", "custom_id": custom_id}
        forged = message.components = [{"type": 1, "id": 1, "components": [button]}]
        invocation = await self.press(who, message, custom_id=custom_id)
        if message.components is forged:  # or the bot has changed them meanwhile
            message.components = real
        assert invocation.ephemeral
        assert invocation.message is not None
        return invocation.message.text

    async def choose(self, guild: Guild | None = None, **values: Any) -> None:
        """Let a server, by default this one, choose something, as moderators do. It is written
        by this process; the bot finds it in its database.
        """
        act = Act((guild or self.guild).id, self.alice.id, int(time.time() * 1000))

        def write() -> None:
            with closing(
                sqlite3.connect(self.town.data / "pika.db", 10, isolation_level=None)
            ) as db:
                db.row_factory = sqlite3.Row
                db.execute("BEGIN IMMEDIATE")
                choices.change(db, act, replace(choices.read(db, act.guild_id), **values))
                db.execute("COMMIT")

        await asyncio.to_thread(write)

    # -- looking ------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], T], seconds: float = PATIENCE) -> T:
        """The first true value of ``condition``."""
        try:
            return await self.discord.wait_for(condition, timeout=seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.story}") from None

    async def says_on(self, card: Message, *words: str) -> Message:
        """Wait until the card holds all these words."""
        try:
            await self.until(lambda: all(word in card.text for word in words))
        except AssertionError as error:
            raise AssertionError(f"the card says {card.text!r}, not {words}\n{error}") from None
        return card

    async def result(
        self, card: Message, where: Channel | None = None, *, seconds: float = PATIENCE
    ) -> Message:
        """The message with the video of this card's job."""
        marker = f"pika-{number(card)}-"
        place = where or card.channel

        def posted() -> Message | None:
            return next((m for m in bots(place) if has_file(m, marker)), None)

        found = await self.until(posted, seconds)
        assert found is not None
        return found

    async def notice(self, card: Message, where: Channel | None = None) -> Message:
        """The message that says why there is no video."""
        beginning = f"Job {number(card)}: "

        def posted() -> Message | None:
            found = (m for m in bots(where or card.channel) if beginning in m.content)
            return next(found, None)

        found = await self.until(posted)
        assert found is not None
        return found

    async def delivered(self, card: Message, where: Channel | None = None) -> Message:
        """The video of this card, and the card says so; it is what Pika made, once."""
        message = await self.result(card, where)
        await self.says_on(card, "Done")
        job = self.job(card)
        made = self.pika.jobs[job["pika_id"]]
        video = message.attachments[0].read()
        assert hashlib.sha256(video).hexdigest() == made.video_sha256
        marker = f"pika-{job['id']}-"
        everywhere = [
            m
            for channel in (*self.discord.world.channels.values(),)
            for m in channel.messages
            if has_file(m, marker) and m.author is self.discord.bot_user and self._mine(m)
        ]
        assert everywhere == [message]
        return message

    def _mine(self, message: Message) -> bool:
        guild = message.channel.guild
        return guild is None or guild is self.guild

    async def state(self, card: Message, *states: str) -> Row:
        """Wait until the card's job is in one of these states; the job."""
        await self.until(lambda: self.job(card)["state"] in states)
        return self.job(card)

    def job(self, card: Message | int) -> Row:
        """A card's job as the database has it."""
        wanted = card if isinstance(card, int) else number(card)
        return self.town.rows("SELECT * FROM job WHERE id = :id", id=wanted)[0]

    @property
    def jobs(self) -> list[Row]:
        """The jobs of this server."""
        return self.town.rows(
            "SELECT * FROM job WHERE guild_id = :guild ORDER BY id", guild=self.guild.id
        )

    def history(self, card: Message) -> list[str]:
        """The states that a card's job went through."""
        rows = self.town.rows(
            "SELECT state FROM job_event WHERE job_id = :id ORDER BY id", id=number(card)
        )
        return [row["state"] for row in rows]

    def hold(self, card: Message) -> str:
        """What became of a card's credit: held, charged or released."""
        rows = self.town.rows("SELECT state FROM reservation WHERE job_id = :id", id=number(card))
        return str(rows[0]["state"])

    @property
    def accepted(self) -> list[PikaJob]:
        """What Pika took since the test began."""
        return self.pika.accepted[self._accepted_from :]

    @property
    def log(self) -> str:
        """What was logged since the test began."""
        return self.town.log[self._log_from :]

    @property
    def story(self) -> str:
        """The last of the log without what only a debugger wants."""
        lines = [line[:300] for line in self.log.splitlines() if " DEBUG " not in line]
        return "\n".join(lines[-40:])

    def logged(self, *words: str) -> list[str]:
        """The log's lines that hold all these words."""
        return [line for line in self.log.splitlines() if all(word in line for word in words)]

    async def left(self, who: Member | None = None) -> int:
        """The credits that ``/quota`` tells."""
        text = await self.says("quota", who)
        found = re.search(r"\*\*(\d+) of \d+\*\*", text)
        assert found is not None, text
        return int(found[1])

    # -- what holds after every test -------------------------------------------------------------

    async def check(self, *, stop: bool) -> None:
        """Everything that must hold whatever the test did."""
        town = self.town
        if town.running and not self.leave_open:
            await self.until(lambda: not open_work(town.rows))
        if stop and town.bot is not None:
            assert await town.stop() == self.exit_code, town.log[-4000:]
        self._check_secrets()
        if not self.expect_traceback:
            assert "Traceback" not in self.log, self.log[self.log.index("Traceback") - 600 :][:6000]
        check_database(town)
        assert self.discord.violations == []
        assert self.pika.violations == []

    def _check_secrets(self) -> None:
        hidden = [*self.town.secrets, *(invocation.token for invocation in self.asked)]
        search = AhoCorasick(hidden)  # thousands of tokens, in a log of megabytes
        texts = {"the log": self.log, **dict(_columns(self.town))}
        for where, text in texts.items():
            for secret in search.find_matches_as_strings(text):
                raise AssertionError(f"a secret is in {where}: {_around(text, secret)}")


def check_database(town: Town) -> None:
    """The promises that the database alone can break."""
    found = [
        *books(town.rows),
        *over_limit(
            town.rows, limit=town.quota, window_ms=town.window_ms, concurrent=town.concurrent
        ),
    ]
    assert not found, "\n".join(map(str, found))


def _columns(town: Town) -> Iterator[tuple[str, str]]:
    """Everything the database holds, a table at a time."""
    names = town.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    for table in (name["name"] for name in names):
        yield f"the table {table}", "\n".join(map(str, town.rows(f"SELECT * FROM {table}")))


def _around(text: str, part: str) -> str:
    at = text.index(part)
    return text[max(0, at - 300) : at + 20]


@dataclass(frozen=True)
class Ended:
    """A command line that has run to its end."""

    code: int
    out: str
    err: str


async def pika_bot(*arguments: str, folder: Path, **settings: str) -> Ended:
    """``pika-bot …`` in ``folder``, with nothing in its environment but this."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env=environment({"COLUMNS": "200", **settings}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    talk = asyncio.ensure_future(process.communicate())
    try:
        async with asyncio.timeout(60):
            out, err = await asyncio.shield(talk)
    except BaseException:
        process.terminate()  # a demo takes its bot with it
        await asyncio.wait({talk}, timeout=STOP_SECONDS)
        if process.returncode is None:
            process.kill()
            await talk
        raise
    return Ended(process.returncode or 0, out.decode(), err.decode())


def about(words: str) -> Callable[[Seen], bool]:
    """Whether a request to Discord speaks of this."""
    return lambda seen: words in str(seen.body)


def number(card: Message) -> int:
    """The number of a card's job."""
    found = re.search(r"^Job (\d+)$", card.text, re.MULTILINE)
    assert found is not None, card.text
    return int(found[1])


def bots(place: Channel) -> list[Message]:
    """The bot's messages in a place."""
    return [m for m in place.messages if m.author is place.world.bot]


def has_file(message: Message, beginning: str) -> bool:
    """Whether a file of this name hangs on the message."""
    return any(file.filename.startswith(beginning) for file in message.attachments)


def links(message: Message) -> list[str]:
    """Where the message's buttons lead."""
    return [button.target for button in message.buttons if button.target.startswith("https://")]


def picture(kind: str = "PNG", colour: str = "red", **more: Any) -> bytes:
    """A real small picture."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, kind, **more)
    return out.getvalue()


@cache
def clip() -> bytes:
    """A real short video, made once."""
    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=8:d=1"]
    kind = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    out = ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
    command = [find_ffmpeg(), "-v", "error", *source, *kind, *out]
    return subprocess.run(command, check=True, capture_output=True).stdout


def noisy_clip(megabytes: float, seconds: float = 2.0) -> bytes:
    """A real video of about so many MB (10^6 bytes): noise, as nothing compresses worse."""
    rate = megabytes * 8e6 / seconds
    source = ["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=24:duration={seconds:g}"]
    kind = ["-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast"]
    kind += ["-b:v", f"{rate:.0f}", "-minrate", f"{rate:.0f}", "-maxrate", f"{rate:.0f}"]
    kind += ["-bufsize", f"{rate:.0f}", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.mp4"
        command = [find_ffmpeg(), "-y", "-v", "error", *source, *kind, str(path)]
        subprocess.run(command, check=True)
        return path.read_bytes()


def png(name: str = "fox.png", colour: str = "red") -> Upload:
    """A member's picture."""
    return Upload(name, "image/png", picture(colour=colour))


__all__ = ["FAST", "Scene", "TextChannel", "Thread", "Town", "bots", "links", "number", "png"]
