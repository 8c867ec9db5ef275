"""The only place that constructs things: one exit stack, closed in reverse order."""

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bot import client as discord_client
from bot import stopping
from bot.charts import Charts
from bot.client import PikaBot
from bot.clock import Clock, SystemClock
from bot.errors import ConfigError, SchemaTooNew, StorageTrouble
from bot.health import Health
from bot.media import AllowedHosts, Fetcher, Room
from bot.messenger import DiscordMessenger
from bot.metrics import Metrics
from bot.model import Quota
from bot.pika.useapi import UseApi
from bot.rules.policy import Installation, Rate
from bot.settings import Settings
from bot.store import deliveries, facts, jobs, place, trouble, usage
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.ui.base import Services
from bot.ui.callback import Responder
from bot.ui.drafts import Drafts
from bot.ui.moderation.logged import LogWording
from bot.ui.repeats import Repeats
from bot.ui.tokens import AnswerTokens
from bot.ui.turns import TEST_MS, Turns
from bot.workflow.changes import Changes
from bot.workflow.delivery.brake import Brake
from bot.workflow.delivery.careful import CarefulMessenger
from bot.workflow.delivery.closed import ClosedPlaces
from bot.workflow.delivery.courier import Courier
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import Messenger
from bot.workflow.delivery.restoring import Restoring
from bot.workflow.delivery.uploads import UploadLimits
from bot.workflow.estimate import Durations
from bot.workflow.intake import Intake
from bot.workflow.members import Members
from bot.workflow.moderation import (
    BlockLists,
    Governing,
    Moderation,
    Removals,
    ReportedVideos,
    Reports,
    Reviews,
    ServerJobs,
)
from bot.workflow.outlook import Outlooks, Slots
from bot.workflow.pauses import Pauses
from bot.workflow.pictures import Pictures
from bot.workflow.queue import FairQueue
from bot.workflow.recovery import recover, sweep
from bot.workflow.rendering.gate import Gate
from bot.workflow.rendering.poller import Poller
from bot.workflow.rendering.runner import Runner, Way
from bot.workflow.rendering.settling import Settling
from bot.workflow.servers.care import Care
from bot.workflow.servers.digests import Digests
from bot.workflow.servers.keeping import Keeping
from bot.workflow.servers.leaving import Leaving
from bot.workflow.servers.log import ServerLog
from bot.workflow.servers.presence import Presence
from bot.workflow.servers.rounds import Rounds
from bot.workflow.videos import Videos
from bot.workflow.wordlists import WordLists

log = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""What the runner, the courier and commands may take to finish at a stop; all at once stay
well below the ten seconds that a stop may last."""


class AlreadyRunning(Exception):
    """Another process holds the data directory."""


def prepare(settings: Settings) -> FileLock:
    """Before the loop: the directories, the lock, the schema. May take long, in any thread.

    The kernel frees the lock when the process ends, however it ends. Raises
    ``AlreadyRunning``, and ``ConfigError`` for a directory or a database that cannot be used.
    """
    try:
        place.make((settings.data_dir, *_folders(settings)))
        lock = _lock(settings.data_dir)
        migrate(settings.database)
    except StorageTrouble as error:
        raise unusable(settings, error) from error
    except SchemaTooNew as error:
        raise ConfigError([f"DATA_DIR: {error}"]) from error
    except sqlite3.Error as error:
        why = f"{settings.database} could not be brought up to date: {error}"
        raise ConfigError([f"DATA_DIR: {why}"]) from error
    return lock


def unusable(settings: Settings, error: StorageTrouble) -> ConfigError:
    """The trouble of the storage as the operator reads it when nothing can be started."""
    return ConfigError([f"DATA_DIR: {error.where or settings.database}: {error}"])


def _lock(data_dir: Path) -> FileLock:
    lock = FileLock(data_dir / "lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise AlreadyRunning(f"another instance holds the data directory {data_dir}") from None
    except OSError as error:
        raise trouble.of_system(error, data_dir) from error
    return lock


def _folders(settings: Settings) -> tuple[Path, Path]:
    return settings.data_dir / "pictures", settings.data_dir / "videos"


def _installation(settings: Settings) -> Installation:
    """What holds in all servers, in the units of the rules."""
    hour_ms, ceiling = 3_600_000, settings.operator_ceiling
    return Installation(
        Quota(
            credits=settings.default_quota,
            window_ms=int(settings.default_quota_hours * hour_ms),
            concurrent=settings.default_concurrent,
        ),
        None if ceiling is None else Rate(ceiling, int(settings.operator_ceiling_hours * hour_ms)),
    )


@dataclass(frozen=True, slots=True)
class App:
    """The running parts, as ``run`` needs them."""

    bot: PikaBot
    intake: Intake
    runner: Runner
    poller: Poller
    courier: Courier
    reviews: Reviews
    care: Care
    database: Database


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Construct everything, recovered and ready to run; close it at the end."""
    pictures_dir, videos_dir = _folders(settings)
    installation = _installation(settings)
    async with AsyncExitStack() as stack:
        clock, queue, changes, durations = SystemClock(), FairQueue(), Changes(), Durations()
        slots = Slots(settings.pika_max_jobs)
        metrics = Metrics(changes, queue, clock)
        stack.enter_context(metrics.watch_loop())

        database = await _open(stack, settings, installation)
        pauses = Pauses(database, clock, queue)
        stack.push_async_callback(pauses.stop)
        outlooks = Outlooks(clock, queue, slots, durations, pauses)
        hosts = AllowedHosts.of(
            api_urls=[settings.discord_api_url, settings.pika_api_url], extra=settings.media_hosts
        )
        # One context for all https, as making one reads every certificate there is.
        room, tls = Room(settings.data_dir), ssl.create_default_context()
        fetcher = await stack.enter_async_context(
            Fetcher(hosts=hosts, temp_dir=settings.data_dir, room=room, tls=tls)
        )
        backend = UseApi(
            base_url=settings.pika_api_url,
            token=settings.pika_api_token.get_secret_value(),
            channel=settings.pika_channel or None,
            discord_token=settings.pika_discord_token.get_secret_value() or None,
            max_jobs=settings.pika_max_jobs,
            tls=tls,
            on_answer=metrics.pika_answered,
        )
        stack.push_async_callback(backend.aclose)

        pictures = Pictures(fetcher, pictures_dir)
        settling = Settling(database, clock, fetcher, changes, videos_dir, installation)
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
        stack.push_async_callback(poller.stop)
        wordlists = WordLists(database)
        intake = Intake(
            database, clock, queue, outlooks, changes, pictures, wordlists, installation
        )
        members = Members(database, clock, outlooks, settling, changes, installation)
        brake, closed, uploads = Brake(clock), ClosedPlaces(clock), UploadLimits(clock)
        fitting = Fitting(backend, videos_dir, uploads, hosts)
        reviews = Reviews(database, clock, changes, fitting.forget)
        moderation = Moderation(
            Governing(database, clock, pauses, installation.quota),
            ServerJobs(database, clock, outlooks, settling, changes),
            Removals(database, clock, changes),
            ReportedVideos(database, clock, changes),
            BlockLists(database, clock, wordlists),
            Reports(settings.database, clock, Charts(settings.data_dir / "charts")),
            reviews,
        )

        presence = Presence()
        metrics.watch(brake)

        responder = stack.enter_context(
            Responder.open(settings.discord_api_url, tls, partial(_heard, metrics, brake))
        )
        tokens = AnswerTokens(clock)
        discord_client.point_at(settings.discord_api_url)
        bot = PikaBot(
            Services(
                intake,
                members,
                Videos(database, clock, changes),
                responder,
                tokens,
                moderation,
                Drafts(clock),
                Turns(clock, TEST_MS),
            ),
            closed=closed,
            uploads=uploads,
            brake=brake,
            repeats=Repeats(clock),
            presence=presence,
            recall=partial(facts.recall, database),
            remember=partial(_remember, database),
            guild_ids=settings.discord_guild_ids,
            shard_ids=settings.shard_ids,
            shard_count=settings.shard_count,
            http_trace=metrics.discord_trace(),
        )
        stack.push_async_callback(bot.close)
        messenger = CarefulMessenger(DiscordMessenger(bot, tokens), closed, brake)
        courier = Courier(
            database, clock, messenger, queue, outlooks, durations,
            fitting,
            Restoring(database, clock, backend, messenger, settling.fetch, changes), changes,
            tick_seconds=min(2.0, settings.pika_poll_seconds),
        )  # fmt: skip
        closed.on_reopen(courier.reopened)
        closed.on_gone(courier.gone)
        care = _care(settings, settling, pauses, presence, messenger, closed, metrics)
        await pauses.read()
        await recover(database, clock, queue, slots, durations, courier)
        await sweep(database, pictures_dir, videos_dir)
        metrics.resume(await jobs.unfinished(database))

        if settings.http_port:
            health = _health(bot, database, room, clock)
            await stack.enter_async_context(_listening(settings, health, metrics, poller))
        yield App(bot, intake, runner, poller, courier, reviews, care, database)


async def _open(stack: AsyncExitStack, settings: Settings, installation: Installation) -> Database:
    """The database, which knows of no ceiling but the one that is set now."""
    database = await Database.open(settings.database)
    stack.push_async_callback(database.close)
    await usage.keep_ceiling(database, installation.ceiling)
    return database


def _care(
    settings: Settings,
    settling: Settling,
    pauses: Pauses,
    presence: Presence,
    messenger: Messenger,
    closed: ClosedPlaces,
    metrics: Metrics,
) -> Care:
    """What is done for whole servers; where Pika is faster than by default, as in tests and in the
    demo, this is too.
    """
    database, clock, quota = settling.database, settling.clock, settling.installation.quota
    retention_ms = int(settings.retention_days * 24 * 3_600_000)
    log_ = ServerLog(database, clock, messenger, LogWording(quota), metrics.chore)
    closed.on_reopen(log_.reopened)
    digests = Digests(database, settings.database, clock, quota, metrics.chore)
    keeping = Keeping(database, clock, settling.videos, retention_ms, metrics.chore)
    leaving = Leaving(database, clock, presence, settling, pauses, metrics.chore)
    fast = min(1.0, settings.pika_poll_seconds / 15)
    every = partial(Rounds, database, clock)
    rounds = [
        every("the log of servers", max(0.1, 2 * fast), log_.round),
        every("leaving servers", max(0.1, 2 * fast), leaving.round),
        every("the digests of servers", max(0.2, 60 * fast), digests.round),
        every("erasing", max(0.2, 3_600 * fast), keeping.round),
    ]
    return Care(log_, rounds)


def _health(bot: PikaBot, database: Database, room: Room, clock: Clock) -> Health:
    return Health(
        ready=partial(_connected, bot),
        write=partial(facts.remember, database, "readiness asked at"),
        spare=room.spare,
        late=partial(deliveries.late, database),
        now=clock.now,
    )


@asynccontextmanager
async def _listening(
    settings: Settings, health: Health, metrics: Metrics, poller: Poller
) -> AsyncIterator[None]:
    """The HTTP side. Raises ``ConfigError`` where its port cannot be had."""
    from bot.listener import Listener  # noqa: PLC0415 - a bot without it starts without aiohttp.web

    listener = Listener(
        settings.http_host,
        settings.http_port,
        health=health,
        metrics=metrics,
        hint=poller.hint,
    )
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(listener)
        except OSError as error:
            raise ConfigError([f"HTTP_PORT: cannot listen there: {error.strerror}"]) from error
        yield


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises what stopped it otherwise."""
    # SQLite's thread asks for the interpreter many times per commit; while commands pour in it
    # would wait the default 5 ms each time.
    sys.setswitchinterval(0.0005)
    with stopping.gently() as stop:
        await _run(settings, stop)


async def _run(settings: Settings, stop: asyncio.Event) -> None:
    async with build(settings) as app:
        # What lives as long as the process need not be looked at again and again.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        token = settings.discord_token.get_secret_value()
        tasks = [
            asyncio.create_task(app.bot.start(token), name="discord"),
            asyncio.create_task(app.runner.run(), name="runner"),
            asyncio.create_task(app.poller.run(), name="poller"),
            asyncio.create_task(_once_in(app.bot, app.courier.run), name="courier"),
            asyncio.create_task(app.reviews.run(), name="reviews"),
            asyncio.create_task(_once_in(app.bot, app.care.run), name="care"),
        ]
        waiter = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
        app.bot.stopping = True
        log.warning("stopping")
        await asyncio.gather(
            app.runner.stop(STOP_SECONDS),
            app.courier.stop(STOP_SECONDS),
            app.care.stop(STOP_SECONDS),
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


def _heard(metrics: Metrics, brake: Brake, status: int | str) -> None:
    """Discord has answered a first answer with this status, or not at all."""
    metrics.discord_answered(status)
    if isinstance(status, int):
        brake.heard(status)


async def _remember(database: Database, name: str, value: str) -> None:
    """What Discord was told; without the note it is told again at the next start."""
    with suppress(StorageTrouble):
        await facts.remember(database, name, value)


async def _once_in(bot: PikaBot, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop that speaks with Discord, from when it may."""
    await bot.logged_in.wait()
    await loop()


def _connected(bot: PikaBot) -> bool:
    """Whether every shard has a gateway connection now; discord.py stays "ready" without one."""
    return bot.is_ready() and not any(shard.is_closed() for shard in bot.shards.values())


def _reply_url(public_url: str, reply_ref: str) -> str | None:
    """Where Pika may call back about this attempt: its reference is the unguessable part."""
    return f"{public_url}/callbacks/{reply_ref}" if public_url else None
