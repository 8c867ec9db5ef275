"""What moderators do, over the real workflow: in their server only, and always written down."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.errors import BadOption, BadWords, NothingHere, TooLate
from bot.model import JobState, PikaStatus, Quota
from bot.rules.policy import PauseMode
from bot.rules.words import Listed
from bot.store import audit
from bot.store.audit import AuditEntry
from bot.workflow.members import Cancelled
from bot.workflow.moderation import BlockLists, Governing, Moderator, ServerJobs, Whose
from tests.fakes import GUILD, House, requester

MONA = Moderator(GUILD, 77)
ELSEWHERE = Moderator(GUILD + 1, 77)
QUOTA = Quota(credits=5, window_ms=24 * 3_600_000, concurrent=5)


@pytest.fixture
def governing(house: House) -> Governing:
    """Over the house's database."""
    return Governing(house.database, house.clock, house.pauses, QUOTA)


@pytest.fixture
def jobs(house: House) -> ServerJobs:
    """Over the house's queue."""
    return ServerJobs(house.database, house.clock, house.outlooks, house.settling, house.changes)


@pytest.fixture
def words(house: House) -> BlockLists:
    """Over the house's lists."""
    return BlockLists(house.database, house.clock, house.wordlists)


async def log(house: House, guild_id: int = GUILD) -> list[AuditEntry]:
    """A server's audit log, newest first."""
    return await audit.page(house.database, guild_id, most=100)


async def test_a_waiting_job_is_cancelled_and_written_down(house: House, jobs: ServerJobs) -> None:
    """Credits back, never sent, and the log says who did it."""
    taken = await house.ask()
    job, came_of_it = await jobs.cancel(MONA, taken.job.id)
    assert (came_of_it, job.state) == (Cancelled.RELEASED, JobState.CANCELLED)
    assert job.cancel_asked_by == MONA.user_id
    assert await house.hold(job.id) == "released"
    (entry,) = await log(house)
    assert (entry.act.actor_id, entry.action, entry.subject_id) == (77, "cancel", job.id)
    assert entry.before == {"state": "queued"}
    with pytest.raises(TooLate, match="cancelled already"):
        await jobs.cancel(MONA, job.id)
    assert len(await log(house)) == 1


async def test_a_job_at_pika_is_stopped_there(house: House, jobs: ServerJobs) -> None:
    """It is asked to stop, and until Pika says more the member's cancel adds nothing."""
    job = await house.rendering()
    asked, came_of_it = await jobs.cancel(MONA, job.id)
    assert (came_of_it, asked.state) == (Cancelled.ASKED, JobState.RENDERING)
    with pytest.raises(TooLate, match="being cancelled already"):
        await jobs.cancel(MONA, job.id)
    house.pika.end(str(job.pika_id), PikaStatus.CANCELLED)
    await house.poller.round()
    gone = await house.job(job.id)
    assert (gone.state, gone.cancel_asked_by) == (JobState.CANCELLED, MONA.user_id)


async def test_what_the_member_cancelled_stays_the_members(house: House, jobs: ServerJobs) -> None:
    """The card must not say that a moderator did it."""
    job = await house.rendering()
    await house.members.cancel(GUILD, job.requester.user_id, job.id)
    with pytest.raises(TooLate, match="being cancelled already"):
        await jobs.cancel(MONA, job.id)
    assert (await house.job(job.id)).cancel_asked_by is None
    assert await log(house) == []


async def test_a_video_that_exists_is_not_cancelled(house: House, jobs: ServerJobs) -> None:
    """It is charged and on its way."""
    job = await house.delivering()
    with pytest.raises(TooLate, match="has its video"):
        await jobs.cancel(MONA, job.id)
    assert await log(house) == []


async def test_another_servers_job_is_not_there(house: House, jobs: ServerJobs) -> None:
    """The same error as for a number that nobody has, and nothing is written in either log."""
    taken = await house.ask()
    for job_id in (taken.job.id, 4711):
        with pytest.raises(NothingHere):
            await jobs.cancel(ELSEWHERE, job_id)
    assert await house.state(taken.job.id) is JobState.QUEUED
    assert await jobs.unfinished(ELSEWHERE.guild_id) == []
    assert await log(house) == await log(house, ELSEWHERE.guild_id) == []


async def test_a_cancel_cut_short_by_a_crash_is_not_forgotten(
    open_house: Callable[[], Awaitable[House]],
) -> None:
    """The wish was written down with its entry; the job is cancelled at its turn, not sent."""
    house = await open_house()
    taken = await house.ask()

    class Killed(BaseException):
        pass

    class Dying:
        async def cancel_queued(self, _job: object) -> None:
            raise Killed

    dying: Any = Dying()
    jobs = ServerJobs(house.database, house.clock, house.outlooks, dying, house.changes)
    with pytest.raises(Killed):
        await jobs.cancel(MONA, taken.job.id)
    house = await open_house()
    house.run()
    await house.rest()
    assert await house.state(taken.job.id) is JobState.CANCELLED
    assert house.pika.submits == 0
    assert [entry.action for entry in await log(house)] == ["cancel"]


async def test_the_queue_is_listed_in_turn(house: House, jobs: ServerJobs) -> None:
    """What is being made first, then those that wait, in the order in which they will go."""
    at_pika = await house.rendering()
    first = await house.ask(requester(1))
    second = await house.ask(requester(1))
    other = await house.ask(requester(2))
    listed = [job.id for job, _ in await jobs.unfinished(GUILD)]
    assert listed[0] == at_pika.id
    waiting = [first.job.id, second.job.id, other.job.id]
    assert listed == [at_pika.id, *sorted(waiting, key=lambda id_: house.queue.place(id_) or 0)]


@pytest.mark.parametrize(
    ("whose", "numbers", "field"),
    [
        (Whose.ROLE, {}, "credits"),
        (Whose.ROLE, {"hours": 3.0}, "hours"),
        (Whose.SERVER, {"credits_": 3}, "credits"),
        (Whose.EVERYONE, {"credits_": -1}, "credits"),
        (Whose.EVERYONE, {"credits_": 10**9}, "credits"),
        (Whose.EVERYONE, {"concurrent": 0}, "concurrent"),
        (Whose.EVERYONE, {"hours": 0.0}, "hours"),
    ],
)
async def test_what_makes_no_limit_names_the_option(
    house: House, governing: Governing, whose: Whose, numbers: dict[str, Any], field: str
) -> None:
    """And nothing is written."""
    asked: dict[str, Any] = {"credits_": None, "hours": None, "concurrent": None, **numbers}
    with pytest.raises(BadOption) as refused:
        await governing.limit(MONA, whose, 5 if whose is Whose.ROLE else 0, **asked)
    assert refused.value.field == field
    assert await log(house) == []


async def test_hours_may_be_changed_alone_where_there_are_credits(governing: Governing) -> None:
    """What is not given stays."""
    await governing.limit(MONA, Whose.ROLE, 5, credits_=3, hours=1, concurrent=2)
    entry = await governing.limit(MONA, Whose.ROLE, 5, credits_=None, hours=2, concurrent=None)
    assert entry is not None
    assert entry.after == {"credits": 3, "window_ms": 7_200_000, "concurrent": 2}


async def test_a_pause_holds_at_once_and_ends(house: House, governing: Governing) -> None:
    """Whoever waits, waits on: from the moment of the answer until it is resumed."""
    await governing.pause(MONA, PauseMode.PAUSE, "tidying", None)
    assert GUILD in house.pauses
    assert ELSEWHERE.guild_id not in house.pauses
    await governing.resume(MONA)
    assert GUILD not in house.pauses
    await governing.pause(MONA, PauseMode.PAUSE, None, 1)
    house.clock.move(3600)
    assert GUILD not in house.pauses


async def test_a_change_that_cannot_be_logged_is_not_made(
    house: House, governing: Governing
) -> None:
    """Setting and entry are one transaction."""
    async with house.database.transaction() as tx:
        await tx.execute(
            "CREATE TRIGGER no_log BEFORE INSERT ON audit_entry "
            "BEGIN SELECT raise(ABORT, 'full'); END"
        )
    with pytest.raises(sqlite3.IntegrityError):
        await governing.block(MONA, 5, None, None)
    assert await house.database.fetch("SELECT * FROM member_block", {}) == []


async def test_a_file_of_nothing_leaves_the_list(words: BlockLists) -> None:
    """Only a list with a phrase replaces a list; its bad lines are named."""
    await words.add(MONA, "goblin")
    for content in (b"", b"# none\n", b"*\n"):
        with pytest.raises(BadWords):
            await words.load(MONA, content)
    assert await words.listed(GUILD) == (Listed("goblin"),)
    entry, rejected = await words.load(MONA, b"goblin\n*\n")
    assert entry is None
    assert [line.number for line in rejected] == [2]
    assert await words.listed(ELSEWHERE.guild_id) == ()


async def test_the_whole_log_comes_in_pieces(governing: Governing) -> None:
    """All of it, newest first, however long."""
    for number in range(1, 8):
        await governing.limit(MONA, Whose.EVERYONE, credits_=number, hours=None, concurrent=None)
    pieces = [piece async for piece in governing.whole_log(GUILD)]
    found = [entry.after["credits"] for piece in pieces for entry in piece if entry.after]
    assert found == list(range(7, 0, -1))
    assert [piece async for piece in governing.whole_log(ELSEWHERE.guild_id)] == []
