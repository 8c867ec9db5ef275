"""After a while a job has no words and no pictures any more; what is counted stays."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import Denied, TryLater
from bot.model import LATE_MS, DeliveryKind, DeliveryState, Font, Job, JobState, Recipe, Verb
from bot.store import deliveries, erasing, reports
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.keeping import AT_ONCE, PAUSE_SECONDS
from tests.conftest import OpenHouse
from tests.fakes import GUILD, House, picture, recipe, requester, until
from tests.servers import ELSEWHERE, choose

DAY = 24 * 3_600_000
KEPT = House.RETENTION_MS / 1000
SECRET = "a very private fox"


async def erased(house: House, job_id: int) -> bool:
    """Whether nothing of its words is left."""
    job = await house.job(job_id)
    words = (job.recipe.prompt, job.recipe.message, job.detail, job.recipe.image, job.video_path)
    gone = words == ("", None, None, None, None)
    assert gone == (job.erased_at is not None), job
    return gone


async def rounds(house: House) -> None:
    """One round, with the pauses in it."""
    task = asyncio.create_task(house.keeping.round())
    while not task.done():
        await asyncio.sleep(0.0005)
        if house.clock.sleeps == [PAUSE_SECONDS]:
            house.clock.move(PAUSE_SECONDS)
    await task


async def over(house: House, **who: int) -> Job:
    """A job that has failed, of which everybody was told."""
    job = (await house.ask(requester(**who), recipe(SECRET))).job
    await house.settling.fail(job, "refused", "Pika said: a very private reason")
    await house.deliver()
    await house.deliver()
    return await house.job(job.id)


async def test_words_go_and_numbers_stay(house: House, png: bytes) -> None:
    """Prompt, hidden text, Pika's sentence, pictures; not who asked, when, what became of it and
    what it cost: reports say the same as before.
    """
    failed, image = await over(house), picture()
    house.world.files.files[image.url or ""] = png
    wish = Recipe(Verb.ENCRYPT_TEXT, SECRET, "hidden", Font.RETRO, image)
    delivered = await house.rendering(wish)
    house.finish(delivered)
    await house.poller.round()
    await house.deliver()
    assert (await house.job(delivered.id)).recipe.image is not None
    path = house.world.folder / "pika.db"
    now = house.clock.now()
    before = await reports.usage(path, GUILD, now, 40)

    house.clock.move(KEPT - 1)
    await rounds(house)
    assert not await erased(house, delivered.id)
    house.clock.move(1)
    await rounds(house)

    assert await erased(house, delivered.id)
    assert await erased(house, failed.id)
    assert await reports.usage(path, GUILD, now, 40) == before
    job = await house.job(delivered.id)
    assert (job.state, job.credits, job.requester) == (
        JobState.DELIVERED, 1, delivered.requester,
    )  # fmt: skip
    assert (await house.job(failed.id)).code == "refused"
    assert (await house.history(failed.id)) == ["queued", "failed"]
    assert house.chores[Chore.ERASED] == 2


async def test_nothing_of_them_is_left_in_the_file(house: House, database_path: Path) -> None:
    """Not in a corner of a page either."""
    for number in range(30):
        job = (await house.ask(requester(500 + number), recipe(f"{SECRET} " * 70))).job
        await house.settling.fail(job, "failed", "")
    house.clock.move(KEPT)
    await rounds(house)
    await house.crash()

    content = b"".join(path.read_bytes() for path in database_path.parent.glob("pika.db*"))
    assert b"very private" not in content


async def test_a_video_that_could_not_be_posted_goes_with_its_copies(house: House) -> None:
    """It was kept for that long; those of other jobs are."""
    job = await house.delivering()
    other = await house.delivering()
    for number in ("200", "400", "400000"):
        house.discord.closed[int(number)] = 50013
    house.discord.direct_errors.append(Denied(50007))
    house.discord.direct_errors.append(Denied(50007))
    for _ in range(5):
        await house.deliver()
    job = await house.job(job.id)
    assert (job.state, job.code) == (JobState.FAILED, "undeliverable")
    assert job.video_path is not None
    copy = job.video_path.with_name(f"{job.id}-25.mp4")
    copy.write_bytes(b"small")
    assert (await house.job(other.id)).code == "undeliverable"
    await house.database.write(
        lambda tx: tx.execute("UPDATE job SET finished_at = finished_at + 1000 WHERE id = 2")
    )

    house.clock.move(KEPT)
    await rounds(house)
    assert await erased(house, job.id)
    assert [path.name for path in (house.world.folder / "videos").iterdir()] == ["2.mp4"]


async def test_a_crash_before_the_files_are_gone_leaves_them_to_the_next_start(
    open_house: OpenHouse,
) -> None:
    """Nothing names them any more."""
    house = await open_house()
    job = await house.delivering()
    for channel in (200, 400_000):
        house.discord.closed[channel] = 50013
    house.discord.direct_errors.append(Denied(50007))
    for _ in range(4):
        await house.deliver()
    videos = house.world.folder / "videos"
    assert [path.name for path in videos.iterdir()] == [f"{job.id}.mp4"]
    house = await open_house()
    assert len(list(videos.iterdir())) == 1

    now = house.clock.now()
    await house.database.write(lambda tx: erasing.erase(tx, GUILD, now, now, 9))
    await open_house()
    assert list(videos.iterdir()) == []


@pytest.mark.parametrize("state", list(JobState))
async def test_nothing_of_an_unfinished_job_is_touched(house: House, state: JobState) -> None:
    """However old it is."""
    job = (await house.ask(what=recipe(SECRET))).job
    over_ = state in {JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED}
    await house.database.write(
        lambda tx: tx.execute(
            "UPDATE job SET state = ?, finished_at = ?, code = 'failed', reply_ref = 'r', "
            "attempt = 1, pika_id = 'p'",
            (state, house.clock.now() if over_ else None),
        )
    )
    await house.database.write(
        lambda tx: tx.execute("INSERT INTO report VALUES (?, 8, ?, 9)", (job.id, SECRET))
    )
    house.clock.move(100 * KEPT)
    await rounds(house)

    assert await erased(house, job.id) == over_
    rows = await house.database.fetch("SELECT 1 FROM report WHERE reason IS NULL", {})
    assert bool(rows) == over_


async def test_a_server_may_keep_things_shorter_or_longer(house: House) -> None:
    """Each as it has chosen; the others as the operator has."""
    jobs = {guild: await over(house, guild_id=guild) for guild in (GUILD, ELSEWHERE, 102)}
    await choose(house, GUILD, retention_ms=3_600_000)
    await choose(house, 102, retention_ms=90 * DAY)
    gone = []
    for seconds in (3_600, KEPT - 3_600, 60 * DAY / 1000):
        house.clock.move(seconds)
        await rounds(house)
        gone.append({guild for guild, job in jobs.items() if await erased(house, job.id)})
    assert gone == [{GUILD}, {GUILD, ELSEWHERE}, {GUILD, ELSEWHERE, 102}]


async def test_what_may_still_come_late_keeps_its_words(house: House) -> None:
    """A job that was given up is waited for during a day, however short things are kept."""
    await choose(house, retention_ms=1_000)
    given_up, unwanted = (await house.ask()).job, (await house.ask()).job
    for job in (given_up, unwanted):
        await house.settling.fail(job, "unknown", "")
    await house.database.write(
        lambda tx: tx.execute("UPDATE job SET cancel_asked_at = 1 WHERE id = ?", (unwanted.id,))
    )
    cancelled = (await house.ask()).job
    await house.settling.cancel_queued(cancelled)
    house.clock.move(2)
    await rounds(house)
    assert await erased(house, cancelled.id)
    assert await erased(house, unwanted.id)
    assert not await erased(house, given_up.id)
    house.clock.move(LATE_MS / 1000)
    await rounds(house)
    assert await erased(house, given_up.id)


async def test_many_are_erased_a_few_at_a_time(house: House) -> None:
    """Whoever asks for a video in between waits for one small transaction at most."""
    for _ in range(AT_ONCE):
        await over(house)
        await over(house, guild_id=ELSEWHERE)
    await over(house)
    house.clock.move(KEPT)
    task = asyncio.create_task(house.keeping.round())
    await until(lambda: house.clock.sleeps == [PAUSE_SECONDS])
    rows = await house.database.fetch("SELECT count(*) AS n FROM job WHERE prompt = ''", {})
    assert rows[0]["n"] == AT_ONCE
    assert (await house.ask()).new
    while not task.done():
        await asyncio.sleep(0.0005)
        if house.clock.sleeps == [PAUSE_SECONDS]:
            house.clock.move(PAUSE_SECONDS)
    await task
    assert house.chores[Chore.ERASED] == 2 * AT_ONCE + 1
    rows = await house.database.fetch("SELECT count(*) AS n FROM job WHERE prompt <> ''", {})
    assert rows[0]["n"] == 1


async def test_reasons_go_too(house: House) -> None:
    """Those of reviews, removals and reports; that there was one stays."""
    job = await over(house)

    def write(tx: sqlite3.Connection) -> None:
        tx.execute(
            "INSERT INTO review VALUES (?, ?, 'all', 5, 'rejected', 6, 900, ?)",
            (job.id, GUILD, SECRET),
        )
        tx.execute("INSERT INTO removal VALUES (?, 900, ?, 7)", (job.id, SECRET))
        tx.execute("INSERT INTO report VALUES (?, 8, ?, 9)", (job.id, SECRET))

    await house.database.write(write)
    house.clock.move(KEPT)
    await rounds(house)
    found = await house.job(job.id)
    assert found.review is not None
    assert found.removal is not None
    assert (found.review.reason, found.removal.reason) == (None, None)
    rows = await house.database.fetch("SELECT reason FROM report", {})
    assert [row["reason"] for row in rows] == [None]


async def test_reasons_that_come_later_are_kept_as_long_and_no_longer(house: House) -> None:
    """A video may be reported and taken away when its words are gone; each reason has its own
    time, and each server.
    """
    jobs = {guild: await over(house, guild_id=guild) for guild in (GUILD, ELSEWHERE)}
    await choose(house, ELSEWHERE, retention_ms=90 * DAY)
    house.clock.move(90 * DAY / 1000)
    await rounds(house)

    def write(tx: sqlite3.Connection) -> None:
        now = house.clock.now()
        for job in jobs.values():
            tx.execute("INSERT INTO removal VALUES (?, 900, ?, ?)", (job.id, SECRET, now))
            for user, at in ((8, now), (9, now + 1_000)):
                tx.execute("INSERT INTO report VALUES (?, ?, ?, ?)", (job.id, user, SECRET, at))

    async def kept() -> list[tuple[str, int]]:
        rows = await house.database.fetch(
            """
            SELECT 'removal' AS what, job_id FROM removal WHERE reason IS NOT NULL
            UNION ALL SELECT 'report', job_id FROM report WHERE reason IS NOT NULL
            """,
            {},
        )
        return sorted((row["what"], row["job_id"]) for row in rows)

    await house.database.write(write)
    mine, theirs = jobs[GUILD].id, jobs[ELSEWHERE].id
    all_of_theirs = [("removal", theirs), ("report", theirs), ("report", theirs)]
    house.clock.move(KEPT - 1)
    await rounds(house)
    assert len(await kept()) == 6
    house.clock.move(1)
    await rounds(house)
    assert await kept() == sorted([("report", mine), *all_of_theirs])
    house.clock.move(1)
    await rounds(house)
    assert await kept() == all_of_theirs
    house.clock.move(60 * DAY / 1000)
    await rounds(house)
    assert await kept() == []


async def test_many_reasons_are_erased_a_few_at_a_time(house: House) -> None:
    """All in one round, with pauses."""
    job = await over(house)
    house.clock.move(KEPT)
    await rounds(house)

    def write(tx: sqlite3.Connection) -> None:
        for user in range(2 * AT_ONCE + 1):
            tx.execute("INSERT INTO report VALUES (?, ?, ?, ?)", (job.id, user, SECRET, 5))

    await house.database.write(write)
    await rounds(house)
    rows = await house.database.fetch("SELECT 1 FROM report WHERE reason IS NOT NULL", {})
    assert rows == []


async def test_what_moderators_see_of_it_stays_true(house: House) -> None:
    """A video may be reported long after its words are gone: that is posted, and kept true."""
    job = await over(house)
    house.clock.move(KEPT)
    await rounds(house)
    await house.database.write(
        lambda tx: deliveries.want(tx, job.id, DeliveryKind.REPORT, 700, house.clock.now())
    )
    await house.deliver()
    (message,) = house.discord.of(job.id, DeliveryKind.REPORT)
    edits = len(house.discord.edits)
    await house.database.write(
        lambda tx: tx.execute("UPDATE delivery SET shown = 'untrue' WHERE kind = 'report'")
    )
    house.courier.touch(job.id)
    house.clock.move(60)
    await house.deliver()
    assert message.channel_id == 700
    assert len(house.discord.edits) == edits + 1


async def test_nothing_is_written_about_it_any_more(open_house: OpenHouse) -> None:
    """Its card stays as it is, also one that is untrue, and what was not posted never is; not
    after a restart either.
    """
    house = await open_house()
    job = (await house.ask()).job
    house.discord.uneditable[200] = 50083
    house.discord.outcomes.extend(TryLater(10**9) for _ in range(2))
    await house.settling.fail(job, "failed", "")
    await house.deliver()
    assert (await house.messages(job.id))[DeliveryKind.NOTICE].state is DeliveryState.PENDING
    house.clock.move(KEPT)
    await rounds(house)
    house.discord.uneditable.clear()
    house.discord.outcomes.clear()
    assert await deliveries.untrue_cards(house.database, 0) == []

    for _ in range(2):
        house.courier.touch(job.id)
        await house.deliver()
        house.clock.move(2 * 10**9)
        house = await open_house()
        await house.deliver()
    assert house.discord.of(job.id, DeliveryKind.NOTICE) == []
    assert house.discord.edits == []


async def test_a_card_that_turns_up_afterwards_stays_as_it_is(house: House) -> None:
    """It was given up, as nobody could look for it; now somebody could."""
    job = (await house.ask()).job
    await house.settling.fail(job, "failed", "")
    await house.database.write(
        lambda tx: tx.execute(
            "UPDATE delivery SET state = 'undeliverable', message_id = NULL, sent_at = NULL "
            "WHERE kind = 'card'"
        )
    )
    house.clock.move(KEPT)
    await rounds(house)
    for _ in range(3):
        house.courier.touch(job.id)
        await house.deliver()

    assert house.discord.edits == []
    assert (await house.messages(job.id))[DeliveryKind.CARD].state is DeliveryState.UNDELIVERABLE


@pytest.mark.parametrize("statement", erasing.REASONS)
def test_later_reasons_are_found_by_an_index(database_path: Path, statement: str) -> None:
    """Those that are still there: of all others nothing is read."""
    params = dict.fromkeys(("now", "retention_ms", "most"), 1)
    with closing(sqlite3.connect(database_path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", params)]
    assert any("_with_reason (at<?" in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


@pytest.mark.parametrize("query", [erasing.DUE, erasing.SOME])
def test_what_is_due_is_found_by_an_index(database_path: Path, query: str) -> None:
    """After years, most jobs have nothing left to erase, and are not looked at again."""
    names = ("now", "retention_ms", "guild_id", "before", "late", "given_up", "most")
    with closing(sqlite3.connect(database_path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", dict.fromkeys(names, 1)).fetchall()
    reads = [step for *_, step in plan if " job " in step]
    assert reads
    assert all("USING INDEX job_to_erase" in step and "SEARCH" in step for step in reads), plan
