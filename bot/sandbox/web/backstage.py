"""Documents about what goes on behind the scenes: the bot's process, Pika's jobs, the drawers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bot.sandbox.discord import Attachment, EmbeddedDiscord, Message
from bot.sandbox.pika import PikaJob
from bot.sandbox.web import tools_bot, tools_discord, tools_pika, tools_places
from bot.sandbox.web.documents_backstage import Place
from bot.sandbox.web.places import milliseconds
from bot.sandbox.web.tools import Backstage, InForce, Tool

Json = dict[str, Any]

LAST_JOBS: Final = 100
_LOG_LINES: Final = 15
_RUNNING: Final = frozenset({"started", "progress"})

_ALL_TOOLS: Final = (
    *tools_pika.TOOLS,
    *tools_bot.TOOLS,
    *tools_discord.TOOLS,
    *tools_places.TOOLS,
)
TOOLS: Final[dict[str, Tool]] = {tool.name: tool for tool in _ALL_TOOLS}


class BackstageDocuments:
    """Makes them; ``changed`` is called when one changes that nothing else tells of."""

    def __init__(self, stage: Backstage, changed: Callable[[], None]) -> None:
        self._stage = stage
        self._videos = PostedVideos(stage.discord, changed)
        self._online_in = 0

    def all(self) -> dict[str, Json]:
        """Every document behind the scenes, by key."""
        stage = self._stage
        documents = {"bot": self._bot(), "pika": self._pika()}
        posted = self._videos.by_digest()
        jobs = list(stage.pika.jobs.values())
        numbered = list(enumerate(jobs, start=1))[-LAST_JOBS:]
        for number, job in numbered:
            documents[f"job:{job.jobid}"] = self._job(job, number, posted)
        for order, tool in enumerate(TOOLS.values()):
            documents[f"tool:{tool.name}"] = tool.document(stage, order)
        for one in stage.in_force():
            documents[f"fault:{one.number}"] = _in_force(one)
        return documents

    async def close(self) -> None:
        """Stop reading files."""
        await self._videos.close()

    def _bot(self) -> Json:
        discord, control = self._stage.discord, self._stage.control
        online = discord.gateway.is_connected
        if control is None:
            state, pid, since, starts, exit_code = "offline", None, 0.0, 0, None
            state = "online" if online else "offline"
            log: list[str] = []
        else:
            pid, starts, exit_code = control.pid, control.starts, control.exit_code
            since = control.since
            if online and pid is not None:
                self._online_in = starts
            state = self._state(running=pid is not None, online=online, starts=starts)
            log = control.log_tail(_LOG_LINES) if state == "failed" else []
        return {
            "state": state,
            "pid": pid,
            "since_at": milliseconds(since),
            "starts": starts,
            "exit_code": exit_code,
            "log": log,
            "user": discord.bot_user.payload(),
            "can": tools_bot.can(self._stage),
        }

    def _state(self, *, running: bool, online: bool, starts: int) -> str:
        control = self._stage.control
        assert control is not None
        if not running:
            return "failed" if control.failed else "stopped" if starts else "starting"
        if online:
            return "online"
        return "offline" if self._online_in == starts else "starting"

    def _pika(self) -> Json:
        server = self._stage.pika
        return {
            "up": server.up,
            "paused": self._stage.holds("pika_paused"),
            "running": len(server.executing),
            "slots": min((account.max_jobs for account in server.accounts.values()), default=0),
            "render_seconds": server.tempo.render,
            "callbacks": any(job.reply_url for job in server.accepted),
            "next": [
                script.outcome
                for script in server.scripts
                for _ in range(1 if script.times is None else script.times)
            ],
        }

    def _job(self, job: PikaJob, number: int, posted: dict[str, list[Place]]) -> Json:
        called = [call for call in self._stage.pika.callbacks if call.jobid == job.jobid]
        return {
            "id": job.jobid,
            "number": number,
            "verb": job.command,
            "prompt": job.prompt,
            "status": job.status,
            "percent": job.percent,
            "error": job.error,
            "created_at": milliseconds(job.created),
            "updated_at": milliseconds(job.updated),
            "can": ["finish", "fail"] if job.status in _RUNNING else [],
            "callbacks": [
                {"status": call.status, "error": call.error, "at": milliseconds(call.at)}
                for call in called
            ],
            "posted": posted.get(job.video_sha256 or "", []),
        }


def _in_force(one: InForce) -> Json:
    return {
        "id": str(one.number),
        "drawer": one.drawer,
        "tool": one.tool,
        "title": one.title,
        "left": one.left(),
        "used": one.used(),
        "since_at": milliseconds(one.since),
    }


class PostedVideos:
    """Which messages of the bot hold which video; each file is read once, in a thread."""

    def __init__(self, discord: EmbeddedDiscord, changed: Callable[[], None]) -> None:
        self._discord = discord
        self._changed = changed
        self._digests: dict[int, str] = {}
        self._reading: dict[int, asyncio.Task[None]] = {}

    def by_digest(self) -> dict[str, list[Place]]:
        """The places of every video by its SHA-256; files not read yet are missing."""
        found: dict[str, list[Place]] = {}
        for message, file in self._files():
            digest = self._digests.get(file.id)
            if digest is None:
                self._read(file)
                continue
            place: Place = {"channel": str(message.channel.id), "message": str(message.id)}
            found.setdefault(digest, []).append(place)
        return found

    def _files(self) -> Iterator[tuple[Message, Attachment]]:
        bot = self._discord.bot_user
        for channel in self._discord.world.channels.values():
            for message in (*channel.by_id.values(), *channel.ephemerals.values()):
                if message.author is bot:
                    for file in message.attachments:
                        if (file.content_type or "").startswith("video/"):
                            yield message, file

    def _read(self, file: Attachment) -> None:
        if file.path is None:
            self._digests[file.id] = hashlib.sha256(file.read()).hexdigest()
        elif file.id not in self._reading:
            task = asyncio.get_running_loop().create_task(self._digest(file.id, file.path))
            self._reading[file.id] = task

    async def _digest(self, number: int, path: Path) -> None:
        try:
            self._digests[number] = await asyncio.to_thread(_sha256, path)
        except OSError:
            self._digests[number] = ""  # gone already; its message will be, too
        del self._reading[number]
        self._changed()

    async def close(self) -> None:
        """Read no more."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
