"""Jobs while the storage has trouble: refused or kept, never lost, doubled or overcharged."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from bot.errors import NotStored, StorageTrouble, Unreachable
from bot.model import DeliveryKind, DeliveryState, JobState, Picture, PikaStatus
from bot.pika.errors import Busy, NotSent, PikaError, Refused
from bot.store import deliveries
from bot.store.database import Database
from bot.workflow.pictures import Pictures
from bot.workflow.rendering.runner import MOST_WAIT_MS
from tests.conftest import OpenHouse
from tests.fakes import Hang, House, PostedSilent, World, a_while, picture, recipe, until
from tests.storage_faults import damage, locked

NO_ROOM = NotStored("The disk is full.")


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The workflow over a database that waits only shortly for others, and tries often."""
    made = await open_house()
    made.database._pause = 0.02
    async with made.database.transaction() as tx:
        await tx.execute_fetchall("PRAGMA busy_timeout = 20")
    return made


@pytest.fixture
def path(world: World) -> Path:
    """Where the database is."""
    return world.folder / "pika.db"


async def in_trouble(house: House) -> None:
    """Somebody has met the trouble, and whoever can go on has gone on."""
    await until(lambda: not house.database._works.is_set())
    await a_while()


async def works(house: House) -> None:
    """The storage is well again."""
    async with asyncio.timeout(5):
        await house.database.works()


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """One line for the operator, no traceback."""
    assert [record for record in caplog.records if record.exc_info] == []
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1
    assert "locked by another program" in told[0].getMessage()


async def test_a_command_is_refused_and_costs_nothing(house: House, path: Path) -> None:
    """No job, no credit, no place in the queue; afterwards the same command is taken."""
    with locked(path):
        for _ in range(3):
            with pytest.raises(StorageTrouble):
                await house.ask()
        assert len(house.queue) == 0
        assert await house.used() == 0
    await works(house)
    await house.ask()
    assert await house.used() == 1


async def test_a_refused_command_leaves_no_picture(house: House, path: Path, png: bytes) -> None:
    """What was fetched for it goes again."""
    url = "https://cdn.test/fox.png"
    house.world.files.files[url] = png
    with locked(path), pytest.raises(StorageTrouble):
        await house.ask(what=recipe(image=picture(url)))
    assert list((path.parent / "pictures").iterdir()) == []
    await works(house)


async def test_an_answer_that_cannot_be_written_down_is_no_error(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The member has the card already: no second answer says that nothing was done. It is known
    as soon as the storage works, and nobody looks for it or posts another one.
    """
    house.run()
    taken = await house.ask(answer=False)
    with locked(path):
        answering = asyncio.create_task(house.answer(taken))
        await in_trouble(house)
        assert not answering.done()
    await asyncio.wait_for(answering, 5)
    house.clock.move(60)
    await house.deliver()
    assert house.discord.looks == []
    messages = await house.messages(taken.job.id)
    (card,) = house.discord.of(taken.job.id, DeliveryKind.CARD)
    assert messages[DeliveryKind.CARD].message_id == card.id
    await until(lambda: house.pika.submits == 1)
    quiet(caplog)


async def test_what_came_too_late_is_withdrawn_in_the_end(house: House, path: Path) -> None:
    """Nobody saw the job: it does not go to Pika because the withdrawal met a locked database."""
    house.run()
    taken = await house.ask(answer=False)
    with locked(path):
        task = asyncio.create_task(house.intake.withdraw(taken.job))
        await in_trouble(house)
        assert not task.done()
    await task
    assert await house.state(taken.job.id) is JobState.CANCELLED
    assert await house.hold(taken.job.id) == "released"
    assert house.pika.submits == 0


OUTCOMES: dict[str, tuple[PikaError | None, JobState]] = {
    "taken": (None, JobState.RENDERING),
    "refused": (Refused("no"), JobState.FAILED),
    "busy": (Busy("later"), JobState.QUEUED),
    "not sent": (NotSent("no connection"), JobState.QUEUED),
}


@pytest.mark.parametrize("outcome", list(OUTCOMES))
async def test_what_pika_answered_is_not_forgotten(
    house: House, path: Path, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is locked when Pika's answer comes: it is written down as soon as that is
    possible. The job is not doubted, and sent once.
    """
    error, state = OUTCOMES[outcome]
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go, takes=error is None, error=error))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.hanging)
    with locked(path):
        go.set()
        await in_trouble(house)
        assert await house.state(taken.job.id) is JobState.SUBMITTING
    await works(house)
    await house.rest()
    assert await house.state(taken.job.id) is state
    assert "in_doubt" not in await house.history(taken.job.id)
    assert house.pika.submits == 1
    quiet(caplog)


async def test_a_job_that_could_not_be_claimed_keeps_its_place(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is locked when its turn comes: nothing is sent that is not written down."""
    taken = await house.ask()
    with locked(path):
        house.run()
        await in_trouble(house)
        assert house.pika.submits == 0
    await works(house)
    await until(lambda: house.clock.sleeps or house.pika.submits)
    house.clock.move(house.BUSY_SECONDS * 2)
    await until(lambda: house.pika.submits == 1)
    await house.rest()
    assert await house.state(taken.job.id) is JobState.RENDERING
    assert (await house.job(taken.job.id)).attempt == 1
    quiet(caplog)


async def test_no_loop_dies_and_none_spins(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All three run while the database is locked, with work to do at every stage: they wait,
    ask nobody anything, and finish everything afterwards, once.
    """
    waiting = await house.delivering()
    rendering = await house.rendering()
    house.finish(rendering)
    with locked(path):
        with pytest.raises(StorageTrouble):
            await house.ask()
        loops = [house.start(house.poller.run()), house.start(house.courier.run())]
        asked, tried = len(house.pika.calls), len(house.discord.tried)
        for _ in range(20):
            house.clock.move(house.POLL_SECONDS)
            await asyncio.sleep(0.005)
        assert len(house.pika.calls) == asked
        assert len(house.discord.tried) == tried
        assert [loop for loop in loops if loop.done()] == []
    await works(house)
    for job in (waiting, rendering):
        async with asyncio.timeout(10):
            while await house.state(job.id) is not JobState.DELIVERED:
                house.clock.move(house.POLL_SECONDS)
                await asyncio.sleep(0.02)
        assert len(house.discord.of(job.id, DeliveryKind.RESULT)) == 1
        assert await house.hold(job.id) == "charged"
    quiet(caplog)


async def test_loops_survive_a_read_that_fails(
    open_house: OpenHouse, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage that a query meets, and not a write, ends no loop and floods no log either."""
    house = await open_house()
    damage(path, "delivery_due")
    await house.crash()
    database = await Database.open(path, tries_seconds=0.02)
    house.database = house.courier._database = database
    loop = house.start(house.courier.run())
    await until(lambda: "damaged" in caplog.text)
    await asyncio.sleep(0.2)
    assert not loop.done()
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_message_whose_arrival_could_not_be_written_down_is_not_posted_twice(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Discord took the video while the database was locked: it is found, not sent again."""
    job = await house.delivering()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    posting = asyncio.create_task(house.deliver())
    await until(lambda: house.discord.of(job.id, DeliveryKind.RESULT))
    await a_while()  # no transaction of ours must be open, or this program waits for itself
    with locked(path):
        go.set()
        await posting
        assert await house.state(job.id) is JobState.DELIVERING
    await works(house)
    house.clock.move(3600)  # Discord has forgotten the nonce
    await house.deliver()
    assert await house.state(job.id) is JobState.DELIVERED
    assert len(house.discord.of(job.id, DeliveryKind.RESULT)) == 1
    quiet(caplog)


# -- files ----------------------------------------------------------------------------------


async def test_a_video_for_which_there_is_no_room_is_fetched_later(house: House) -> None:
    """Pika has made it: it is neither failed nor given back because our disk is full."""
    job = await house.rendering()
    house.finish(job)
    url = house.pika.jobs[job.pika_id or ""].video_url or ""
    house.world.files.files[url] = NO_ROOM
    for _ in range(5):
        await house.poller.round()
        house.clock.move(house.STALL_SECONDS)
        assert await house.state(job.id) is JobState.RENDERING
        assert await house.hold(job.id) == "held"
    house.world.files.files[url] = house.world.video
    await house.poller.round()
    assert await house.state(job.id) is JobState.DELIVERING
    await house.deliver()
    assert await house.state(job.id) is JobState.DELIVERED


async def test_no_video_waits_for_room_for_ever(house: House) -> None:
    """After a day the link is dead: the credit goes back and the member is told."""
    job = await house.rendering()
    house.finish(job)
    url = house.pika.jobs[job.pika_id or ""].video_url or ""
    house.world.files.files[url] = NO_ROOM
    await house.poller.round()
    house.clock.move(MOST_WAIT_MS / 1000 + 1)
    await house.poller.round()
    assert await house.state(job.id) is JobState.FAILED
    assert await house.hold(job.id) == "released"


async def test_a_video_that_was_ready_at_once_waits_for_room_too(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer to the POST brought it; the next look at Pika fetches it."""
    url = house.pika.video_url.format("pika:1")
    house.world.files.files[url] = NO_ROOM
    house.pika.outcomes.append(PikaStatus.COMPLETED)
    job = await house.sent()
    await house.rest()
    assert await house.state(job.id) is JobState.RENDERING
    house.world.files.files[url] = house.world.video
    await house.poller.round()
    assert await house.state(job.id) is JobState.DELIVERING
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_command_whose_picture_has_no_room_is_refused(house: House) -> None:
    """At once, and nothing is charged: its job could only wait."""
    url = "https://cdn.test/fox.png"
    house.world.files.files[url] = NO_ROOM
    with pytest.raises(NotStored):
        await house.ask(what=recipe(image=picture(url)))
    assert await house.used() == 0


async def test_a_job_whose_picture_has_no_room_waits(house: House, png: bytes) -> None:
    """It was taken before its picture was fetched: it is not failed for our full disk."""
    url = "https://cdn.test/fox.png"
    house.world.files.files[url] = Unreachable("slow")
    taken = await house.ask(what=recipe(image=picture(url)))
    house.world.files.files[url] = NO_ROOM
    house.run()
    for _ in range(10):
        await until(lambda: house.clock.sleeps)
        house.clock.move(60)
        await a_while(5)
    assert await house.state(taken.job.id) is JobState.QUEUED
    house.world.files.files[url] = png
    await until(lambda: house.clock.sleeps)
    house.clock.move(60)
    await until(lambda: house.pika.submits == 1)
    await house.rest()
    assert await house.state(taken.job.id) is JobState.RENDERING


async def test_a_smaller_copy_waits_for_room(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A video that is too large for its server is not cut down to a link because our disk is
    full for a while.
    """
    full, limit = Path("/dev/full"), 200_000
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    job = await house.delivering()
    wanted = (await house.messages(job.id))[DeliveryKind.RESULT]
    async with house.database.transaction() as tx:
        await deliveries.shrink(tx, wanted, limit, house.clock.now())
    (house.world.folder / "videos" / f"{job.id}-{limit}.mp4.part").symlink_to(full)
    await house.deliver()
    message = (await house.messages(job.id))[DeliveryKind.RESULT]
    assert (message.fit, message.state) == (limit, DeliveryState.PENDING)
    house.clock.move(61)
    await house.deliver()
    assert await house.state(job.id) is JobState.DELIVERED
    (posted,) = house.discord.of(job.id, DeliveryKind.RESULT)
    assert posted.had_video


async def test_a_picture_that_cannot_be_deleted_holds_nobody_up(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder stands where its file was: the job is over all the same."""
    path = house.world.folder / "pictures" / "stuck.png"
    path.mkdir()
    Pictures.forget(recipe(image=Picture("fox.png", "image/png", 70, path=path)))
    assert "could not be deleted" in caplog.text
