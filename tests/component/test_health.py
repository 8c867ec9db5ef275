"""Health and readiness as a probe sees them: over real HTTP."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot.errors import TryLater
from bot.health import FRESH_MS, OVERDUE_MS, WANTED_MS, Health
from bot.model import DeliveryKind
from bot.store import deliveries, facts
from bot.store.database import Database, fetch
from tests.component.listening import MIB, NOW, Disk, Site, listening
from tests.fakes import House, until


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A listener of a bot that is well."""
    disk = Disk()
    async with listening(disk.health(), disk) as made:
        yield made


async def test_health_is_the_process_alone(site: Site) -> None:
    """A process that can answer lives, whatever else is broken: restarting would not help."""
    site.disk.connected, site.disk.overdue, site.disk.error = False, 3, OSError("disk full")

    assert await site.get("/healthz") == (200, "ok")


async def test_ready_when_all_is_well(site: Site) -> None:
    """Each check is named and says ok."""
    status, checks = await site.ready()

    assert status == 200
    assert checks == {"gateway": "ok", "database": "ok", "disk": "ok", "delivery": "ok"}


async def test_readiness_says_what_is_wrong(site: Site) -> None:
    """Every trouble is told in words, none hides another, and no text of an error leaks."""
    site.disk.connected, site.disk.overdue, site.disk.spare = False, 3, -10 * MIB
    site.disk.error = RuntimeError("/secret/path and a-secret-token")

    status, checks = await site.ready()

    assert status == 503
    assert checks["gateway"] == "not connected to Discord"
    assert checks["database"] == "failed with RuntimeError"
    assert checks["disk"] == "full: videos need 11 MiB more"
    assert checks["delivery"] == "3 messages are overdue"
    assert "secret" not in str(checks)


async def test_readiness_comes_back(site: Site) -> None:
    """What was wrong and is well again is well again: no memory of old trouble."""
    site.disk.error = OSError()
    assert (await site.ready())[0] == 503
    site.disk.error = None
    site.disk.now += FRESH_MS

    assert (await site.ready())[0] == 200


async def test_a_change_of_readiness_is_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator reads when it broke and why, not every probe that saw it."""
    await site.ready()
    site.disk.connected = False
    with caplog.at_level(logging.INFO, "bot.listener"):
        await site.ready()
        await site.ready()

    assert [record.getMessage() for record in caplog.records] == [
        "readiness: ok",
        "readiness: gateway: not connected to Discord",
    ]


async def test_a_hanging_disk_is_trouble_in_time() -> None:
    """Readiness answers within its limit, and asks a hanging disk only once."""
    disk = Disk(hangs=asyncio.Event())
    async with listening(disk.health(limit=0.01), disk) as site:
        for _ in range(3):
            status, checks = await site.ready()
            disk.now += FRESH_MS
            assert status == 503
            assert checks["database"] == "no answer within 0.01 seconds"
            assert checks["delivery"] == "ok"

        assert len(disk.written) == 1


async def test_asking_often_costs_little(site: Site) -> None:
    """However many ask at once, the disk is written to once a second."""
    await asyncio.gather(*(site.ready() for _ in range(20)))
    assert len(site.disk.written) == 1

    site.disk.now += FRESH_MS
    await site.ready()
    assert len(site.disk.written) == 2


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    """A real one, which waits only shortly for others and tries often."""
    opened = await Database.open(database_path, tries_seconds=0.02)
    async with opened.transaction() as tx:
        await fetch(tx, "PRAGMA busy_timeout = 50", {})
    yield opened
    await opened.close()


def watching(database: Database, disk: Disk) -> Health:
    """Readiness of a real database, with a clock that tests move."""
    return Health(
        ready=lambda: True,
        write=partial(facts.remember, database, "readiness asked at"),
        spare=lambda: disk.spare,
        late=partial(deliveries.late, database),
        now=lambda: disk.now,
    )


async def test_readiness_really_writes(database: Database) -> None:
    """Ready means that a commit has just succeeded; what was written each time differs."""
    disk = Disk()
    async with listening(watching(database, disk), disk) as site:
        assert (await site.ready())[0] == 200
        assert await facts.recall(database, "readiness asked at") == str(NOW)
        disk.now += FRESH_MS
        await site.ready()

        assert await facts.recall(database, "readiness asked at") == str(NOW + FRESH_MS)


async def test_a_database_that_takes_no_writes_is_trouble(database: Database) -> None:
    """Reads still work then, so only a write can tell."""
    async with database.transaction() as tx:
        await tx.execute_fetchall(
            "CREATE TRIGGER no_writes BEFORE INSERT ON fact BEGIN SELECT raise(ABORT, 'no'); END"
        )
    disk = Disk()
    async with listening(watching(database, disk), disk) as site:
        status, checks = await site.ready()

    assert status == 503
    assert checks["database"] == "failed with IntegrityError"
    assert {checks["gateway"], checks["disk"], checks["delivery"]} == {"ok"}


async def test_trouble_of_the_storage_is_told_in_words_and_goes_by_itself(
    database: Database, database_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it is, and not which error; the log tells it once, however often somebody asks."""
    disk = Disk()
    async with listening(watching(database, disk), disk) as site:
        with closing(sqlite3.connect(database_path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(5):
                disk.now += FRESH_MS
                status, checks = await site.ready()
                assert (status, checks["database"]) == (503, "locked by another program")
        async with asyncio.timeout(5):
            await database.works()
        disk.now += FRESH_MS
        assert (await site.ready())[0] == 200

    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(told) == 1
    assert "locked by another program" in told[0]


# -- delivery that stalls -------------------------------------------------------------------


def watched(house: House) -> Health:
    """Readiness of the workflow."""
    disk = Disk()
    return Health(
        ready=lambda: True,
        write=disk.write,
        spare=lambda: disk.spare,
        late=partial(deliveries.late, house.database),
        now=house.clock.now,
    )


async def delivery(house: House) -> str | None:
    """What readiness says of deliveries."""
    house.clock.move(FRESH_MS / 1000)
    health = watched(house)
    trouble = (await health.troubles())["delivery"]
    await health.close()
    return trouble


async def test_a_message_that_nobody_posts_is_a_stall(house: House) -> None:
    """Up to five minutes late is busy, more is stalled, and delivered is well again."""
    job = await house.delivering()
    assert await delivery(house) is None
    house.clock.move(OVERDUE_MS / 1000 - 3)
    assert await delivery(house) is None
    house.clock.move(1)
    assert await delivery(house) == "1 message is overdue"

    await house.deliver()
    assert len(house.discord.of(job.id, DeliveryKind.RESULT)) == 1
    assert await delivery(house) is None


async def test_a_message_that_is_tried_in_vain_again_and_again_is_a_stall(house: House) -> None:
    """Each try makes it due a little later, so that it is never overdue for long: what counts is
    how long somebody waits for it.
    """
    job = await house.delivering()
    began = house.clock.now()
    seen = []
    while house.clock.now() - began < WANTED_MS + 60_000:
        house.discord.outcomes.append(TryLater(60.0, "HTTP 503"))
        await house.deliver()
        late = await delivery(house) is not None
        seen.append((house.clock.now() - began >= WANTED_MS, late))
        house.clock.move(30)
    assert {enough == late for enough, late in seen} == {True}
    assert {late for _, late in seen} == {False, True}

    house.discord.outcomes.clear()
    house.clock.move(600)
    await house.deliver()
    await until(lambda: house.discord.of(job.id, DeliveryKind.RESULT))
    assert await delivery(house) is None


async def test_a_card_that_never_comes_is_a_stall(house: House) -> None:
    """Its job may be rendering for as long as it likes, its card is missing all the same."""
    house.run()
    taken = await house.ask(answer=False)
    house.intake.unanswered(taken.job)
    began = house.clock.now()
    while house.clock.now() - began < WANTED_MS:
        assert await delivery(house) is None
        house.discord.outcomes.append(TryLater(60.0, "HTTP 503"))
        await house.deliver()
        house.clock.move(60)
    assert await delivery(house) == "1 message is overdue"
