"""The only place that constructs things: one exit stack, closed in reverse order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bot import client as discord_client
from bot.client import PikaBot
from bot.clock import SystemClock
from bot.errors import ConfigError
from bot.listener import Health, Listener
from bot.media import AllowedHosts, Fetcher
from bot.messenger import DiscordMessenger
from bot.metrics import Metrics
from bot.model import Quota
from bot.pika.useapi import UseApi
from bot.settings import Settings
from bot.store import deliveries, facts, jobs
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.ui.base import Services
from bot.ui.callback import Responder
from bot.workflow.changes import Changes
from bot.workflow.courier import Courier
from bot.workflow.estimate import Durations
from bot.workflow.fitting import Fitting
from bot.workflow.gate import Gate
from bot.workflow.intake import Intake
from bot.workflow.members import Members
from bot.workflow.outlook import Outlooks, Slots
from bot.workflow.pictures import Pictures
from bot.workflow.poller import Poller
from bot.workflow.queue import FairQueue
from bot.workflow.recovery import recover, sweep
from bot.workflow.runner import Runner, Way
from bot.workflow.settling import Settling

log = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""What the runner, the courier and commands may take to finish at a stop; all at once stay
well below the ten seconds that a stop may last."""


class AlreadyRunning(Exception):
    """Another process holds the data directory."""


def prepare(settings: Settings) -> FileLock:
    """Before the loop: the directories, the lock, the schema.

    The kernel frees the lock when the process ends, however it ends. Raises
    ``AlreadyRunning``, ``SchemaTooNew``, ``OSError``, ``sqlite3.Error``.
    """
    for directory in (settings.data_dir, *_folders(settings)):
        directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data_dir / "lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise AlreadyRunning(
            f"another instance holds the data directory {settings.data_dir}"
        ) from None
    migrate(settings.database)
    return lock


def _folders(settings: Settings) -> tuple[Path, Path]:
    return settings.data_dir / "pictures", settings.data_dir / "videos"


@dataclass(frozen=True, slots=True)
class App:
    """The running parts, as ``run`` needs them."""

    bot: PikaBot
    intake: Intake
    runner: Runner
    poller: Poller
    courier: Courier
    database: Database


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Construct everything, recovered and ready to run; close it at the end."""
    pictures_dir, videos_dir = _folders(settings)
    default = Quota(
        credits=settings.default_quota,
        window_ms=int(settings.default_quota_hours * 3_600_000),
        concurrent=settings.default_concurrent,
    )
    async with AsyncExitStack() as stack:
        clock, queue, changes, durations = SystemClock(), FairQueue(), Changes(), Durations()
        slots = Slots(settings.pika_max_jobs)
        outlooks = Outlooks(clock, queue, slots, durations)
        metrics = Metrics(changes, queue, clock)

        database = await Database.open(settings.database)
        stack.push_async_callback(database.close)
        hosts = AllowedHosts.of(
            api_urls=[settings.discord_api_url, settings.pika_api_url], extra=settings.media_hosts
        )
        fetcher = await stack.enter_async_context(Fetcher(hosts=hosts, temp_dir=settings.data_dir))
        backend = UseApi(
            base_url=settings.pika_api_url,
            token=settings.pika_api_token.get_secret_value(),
            channel=settings.pika_channel or None,
            discord_token=settings.pika_discord_token.get_secret_value() or None,
            max_jobs=settings.pika_max_jobs,
            on_answer=metrics.pika_answered,
        )
        stack.push_async_callback(backend.aclose)

        pictures = Pictures(fetcher, pictures_dir)
        settling = Settling(database, clock, fetcher, changes, videos_dir)
        way = Way(
            database=database,
            clock=clock,
            backend=backend,
            pictures=pictures,
            queue=queue,
            slots=slots,
            gate=Gate(clock, settings.pika_busy_seconds),
            settling=settling,
            changes=changes,
            reply_url=partial(_reply_url, settings.public_url),
        )
        runner = Runner(way)
        poller = Poller(
            way,
            poll_seconds=settings.pika_poll_seconds,
            stall_seconds=settings.pika_timeout_minutes * 60,
            doubt_seconds=settings.pika_doubt_seconds,
        )
        intake = Intake(database, clock, queue, outlooks, changes, pictures, default)
        members = Members(database, clock, outlooks, settling, changes, default)

        responder = stack.enter_context(
            Responder.open(settings.discord_api_url, metrics.discord_answered)
        )
        discord_client.point_at(settings.discord_api_url)
        bot = PikaBot(
            Services(intake, members, responder),
            recall=partial(facts.recall, database),
            remember=partial(facts.remember, database),
            guild_ids=settings.discord_guild_ids,
            shard_ids=settings.shard_ids,
            shard_count=settings.shard_count,
            http_trace=metrics.discord_trace(),
        )
        stack.push_async_callback(bot.close)
        messenger = DiscordMessenger(bot)
        courier = Courier(
            database, clock, messenger, queue, outlooks, durations,
            Fitting(backend, videos_dir), changes,
            tick_seconds=min(2.0, settings.pika_poll_seconds),
        )  # fmt: skip
        await recover(database, clock, queue, slots, durations, courier)
        await sweep(database, pictures_dir, videos_dir)
        metrics.resume(await jobs.unfinished(database))

        if settings.http_port:
            health = Health(
                ready=partial(_connected, bot),
                write=partial(facts.remember, database, "readiness asked at"),
                due=partial(deliveries.due, database),
                now=clock.now,
            )
            listener = Listener(
                settings.http_host,
                settings.http_port,
                health=health,
                metrics=metrics,
                hint=poller.hint,
            )
            try:
                await stack.enter_async_context(listener)
            except OSError as error:
                raise ConfigError([f"HTTP_PORT: cannot listen there: {error.strerror}"]) from error
        yield App(bot, intake, runner, poller, courier, database)


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises what stopped it otherwise."""
    # SQLite's thread asks for the interpreter many times per commit; while commands pour in it
    # would wait the default 5 ms each time.
    sys.setswitchinterval(0.0005)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends it the hard way
            loop.add_signal_handler(name, stop.set)
    async with build(settings) as app:
        # What lives as long as the process need not be looked at again and again.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        token = settings.discord_token.get_secret_value()
        tasks = [
            asyncio.create_task(app.bot.start(token), name="discord"),
            asyncio.create_task(app.runner.run(), name="runner"),
            asyncio.create_task(app.poller.run(), name="poller"),
            asyncio.create_task(_deliver(app), name="courier"),
        ]
        waiter = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
        app.bot.stopping = True
        log.warning("stopping")
        await asyncio.gather(
            app.runner.stop(STOP_SECONDS),
            app.courier.stop(STOP_SECONDS),
            _answer_commands(STOP_SECONDS),
        )
        await app.intake.flush()
        await _cancel(*tasks, waiter)
        for task in done - {waiter}:
            with suppress(asyncio.CancelledError):
                task.result()  # a loop that ended by itself has failed: say why
                raise RuntimeError(f"the {task.get_name()} loop ended by itself")


_COMMANDS = (
    "CommandTree-invoker",
    "discord-ui-dynamic-item",
    "discord-ui-view-dispatch",
    "discord-ui-modal-dispatch",
)
"""How discord.py's names begin for the tasks that run a command, a button or a form."""


async def _answer_commands(seconds: float) -> None:
    """Give the commands under way ``seconds`` to be written down and answered."""
    running = [task for task in asyncio.all_tasks() if task.get_name().startswith(_COMMANDS)]
    if running:
        await asyncio.wait(running, timeout=seconds)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel, and return when all have ended. Again if need be: up to Python 3.11,
    ``asyncio.wait_for`` loses a cancel that comes together with a result.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _deliver(app: App) -> None:
    await app.bot.logged_in.wait()
    await app.courier.run()


def _connected(bot: PikaBot) -> bool:
    """Whether every shard has a gateway connection now; discord.py stays "ready" without one."""
    return bot.is_ready() and not any(shard.is_closed() for shard in bot.shards.values())


def _reply_url(public_url: str, reply_ref: str) -> str | None:
    """Where Pika may call back about this attempt: its reference is the unguessable part."""
    return f"{public_url}/callbacks/{reply_ref}" if public_url else None
