"""Taking requests: all or nothing, once, and never beyond the limit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import BadRecipe, Expired, QuotaExceeded, TooManyJobs, Unreachable
from bot.model import DeliveryKind, DeliveryState, JobState, Quota
from bot.store import jobs
from tests.conftest import OpenHouse
from tests.fakes import (
    GUILD,
    MEMBER,
    START,
    House,
    World,
    a_while,
    asker_of,
    cancelled,
    picture,
    recipe,
    requester,
    until,
)

DAY = 24 * 3_600_000
URL = "https://cdn.test/fox.png"


def _files(world: World) -> list[Path]:
    return list((world.folder / "pictures").iterdir())


async def test_a_request_becomes_job_reservation_card_and_history_at_once(house: House) -> None:
    """Row one of the table: all four are there when the caller returns."""
    taken = await house.ask(answer=False)

    assert taken.new
    assert await house.state(taken.job.id) is JobState.QUEUED
    assert await house.hold(taken.job.id) == "held"
    assert await house.history(taken.job.id) == ["queued"]
    card = (await house.messages(taken.job.id))[DeliveryKind.CARD]
    assert (card.state, card.due_at > START) == (DeliveryState.PENDING, True)
    assert taken.outlook.place == 1


async def test_forty_at_once_with_a_quota_of_five_are_five(open_house: OpenHouse) -> None:
    """Not six, whatever the interleaving; the others learn when a credit frees."""
    house = await open_house(quota=Quota(5, DAY, 100))

    results = await asyncio.gather(
        *(house.ask(answer=False) for _ in range(40)), return_exceptions=True
    )

    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(results) - len(refused) == 5
    assert {type(error) for error in refused} == {QuotaExceeded}
    assert {error.frees_at for error in refused if isinstance(error, QuotaExceeded)} == {
        START + DAY
    }
    assert await house.used() == 5
    assert len(await jobs.unfinished(house.database)) == 5
    assert len(house.queue) == 5


async def test_forty_at_once_with_two_at_a_time_are_two(open_house: OpenHouse) -> None:
    """The other rule holds as well."""
    house = await open_house(quota=Quota(50, DAY, 2))

    results = await asyncio.gather(
        *(house.ask(answer=False) for _ in range(40)), return_exceptions=True
    )

    assert [type(r) for r in results].count(TooManyJobs) == 38
    assert len(house.queue) == 2


async def test_many_members_at_once_do_not_take_each_others_credits(open_house: OpenHouse) -> None:
    """Forty members with a quota of one, each asking twice: forty jobs."""
    house = await open_house(quota=Quota(1, DAY, 9))

    results = await asyncio.gather(
        *(house.ask(requester(user), answer=False) for user in (*range(40), *range(40))),
        return_exceptions=True,
    )

    assert [type(r) for r in results].count(QuotaExceeded) == 40
    assert len(house.queue) == 40


async def test_an_event_that_comes_twice_is_one_job(house: House) -> None:
    """At the same moment or an hour later; only the first is new."""
    twice = await asyncio.gather(*(house.ask(requester(key=77), answer=False) for _ in range(2)))
    later = await house.ask(requester(key=77))

    assert sorted(taken.new for taken in (*twice, later)) == [False, False, True]
    assert {taken.job.id for taken in (*twice, later)} == {1}
    assert await house.used() == 1
    assert len(house.queue) == 1


async def test_an_event_that_comes_twice_is_one_job_also_after_a_restart(
    open_house: OpenHouse,
) -> None:
    """The database remembers, not the process."""
    house = await open_house()
    await house.ask(requester(key=77))

    house = await open_house()
    again = await house.ask(requester(key=77))

    assert not again.new
    assert await house.used() == 1
    assert len(house.queue) == 1


async def test_an_event_with_a_picture_that_comes_twice_is_not_refused(
    open_house: OpenHouse, world: World, png: bytes
) -> None:
    """The member's last credit went to this very job: that is no reason to say no."""
    house = await open_house(quota=Quota(1, DAY, 1))
    world.files.files[URL] = png
    what = recipe(image=picture(URL))
    first = await house.ask(requester(key=77), what)

    again = await house.ask(requester(key=77), what)

    assert (again.new, again.job.id) == (False, first.job.id)


async def test_an_event_with_a_picture_that_comes_twice_late_leaves_no_file(
    house: House, world: World, png: bytes
) -> None:
    """The job is over and its picture deleted; the echo does not fetch it again."""
    world.files.files[URL] = png
    what = recipe(image=picture(URL))
    taken = await house.ask(requester(key=77), what)
    await house.members.cancel(GUILD, MEMBER, taken.job.id)
    assert _files(world) == []

    await house.ask(requester(key=77), what)

    assert _files(world) == []


async def test_a_refused_request_leaves_nothing(open_house: OpenHouse) -> None:
    """No job, no reservation, no card, no number used."""
    house = await open_house(quota=Quota(0, DAY, 1))

    with pytest.raises(QuotaExceeded, match="Ask a moderator") as refused:
        await house.ask()

    assert refused.value.frees_at is None
    for table in ("job", "reservation", "delivery", "job_event"):
        rows = await house.database.fetch(f"SELECT count(*) AS n FROM {table}", {})
        assert rows[0]["n"] == 0, table


async def test_a_job_does_not_go_before_its_command_is_answered(house: House) -> None:
    """And goes by itself as soon as it is: nobody else has to knock."""
    house.run()
    taken = await house.ask(answer=False)
    await a_while()
    assert house.pika.submits == 0

    await house.answer(taken)

    await until(lambda: house.pika.submits == 1)


async def test_a_job_whose_answer_nobody_heard_goes_on(house: House) -> None:
    """The courier sees to the card."""
    house.run()
    taken = await house.ask(answer=False)
    await a_while(20)

    house.intake.unanswered(taken.job)

    await until(lambda: house.pika.submits == 1)


async def test_a_command_that_came_too_late_was_never_asked(house: House) -> None:
    """10062: nobody saw the job, so nothing is charged, sent or said."""
    house.run()
    taken = await house.ask(answer=False)

    await house.intake.withdraw(taken.job)
    house.clock.move(3600)
    await house.deliver()
    await a_while(20)

    assert await house.state(taken.job.id) is JobState.CANCELLED
    assert await house.hold(taken.job.id) == "released"
    assert await house.used() == 0
    assert (house.pika.submits, house.discord.messages) == (0, {})
    assert len(house.queue) == 0


async def test_a_withdrawn_job_leaves_no_picture(house: House, world: World, png: bytes) -> None:
    """It was fetched early; nobody needs it any more."""
    world.files.files[URL] = png
    taken = await house.ask(what=recipe(image=picture(URL)), answer=False)
    assert len(_files(world)) == 1

    await house.intake.withdraw(taken.job)

    assert _files(world) == []


async def test_withdrawing_what_has_gone_on_changes_nothing(house: House) -> None:
    """The first one was right."""
    taken = await house.ask()
    await house.members.cancel(GUILD, MEMBER, taken.job.id)
    before = await house.job(taken.job.id)

    await house.intake.withdraw(taken.job)

    assert await house.job(taken.job.id) == before


async def test_an_answer_is_written_down_before_flush_returns(house: House) -> None:
    """At a stop, what was promised is on the disk."""
    taken = await house.ask(answer=False)
    answering = asyncio.create_task(house.intake.answered(taken.job, 55, "queued 1"))
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await house.intake.flush()
        await answering

    card = (await house.messages(taken.job.id))[DeliveryKind.CARD]
    assert (card.state, card.message_id, card.shown) == (DeliveryState.SENT, 55, "queued 1")


async def test_a_request_whose_task_was_cancelled_goes_on_after_a_restart(
    open_house: OpenHouse,
) -> None:
    """It may be committed or not; if it is, the next start takes it up."""
    house = await open_house()
    task = asyncio.create_task(house.intake.take(1, asker_of(requester()), recipe()))
    await asyncio.sleep(0)
    await cancelled(task)
    await house.intake.flush()

    house = await open_house()

    waiting = await jobs.unfinished(house.database)
    assert list(house.queue.order()) == [job.id for job in waiting] == [1]


# -- pictures ------------------------------------------------------------------------------


async def test_a_good_picture_is_on_disk_before_the_job_is_taken(
    house: House, world: World, png: bytes
) -> None:
    """Its signed address is not kept."""
    world.files.files[URL] = png

    taken = await house.ask(what=recipe(image=picture(URL)))

    image = (await house.job(taken.job.id)).recipe.image
    assert image is not None
    assert (image.url, image.size) == (None, len(png))
    assert image.path is not None
    assert image.path.read_bytes() == png


async def test_a_bad_picture_is_refused_before_anything_is_charged(
    house: House, world: World
) -> None:
    """The refusal names the option; no file stays."""
    world.files.files[URL] = b"this is no picture"

    with pytest.raises(BadRecipe) as refused:
        await house.ask(what=recipe(image=picture(URL)))

    assert refused.value.field == "image"
    assert (await house.used(), _files(world)) == (0, [])


async def test_a_picture_that_is_declared_unusable_is_not_even_fetched(
    house: House, world: World
) -> None:
    """Discord's word is enough for a no."""
    with pytest.raises(BadRecipe) as refused:
        await house.ask(what=recipe(image=picture(URL, filename="fox.exe")))

    assert refused.value.field == "image"
    assert world.files.fetched == []


async def test_of_two_pictures_the_bad_one_is_named_and_neither_stays(
    house: House, world: World, png: bytes
) -> None:
    """The good one was on the disk already."""
    other = "https://cdn.test/other.png"
    world.files.files |= {URL: png, other: b"no picture"}
    what = recipe(image=picture(URL))
    both = type(what)(what.verb, what.prompt, image=what.image, message_image=picture(other))

    with pytest.raises(BadRecipe) as refused:
        await house.ask(what=both)

    assert refused.value.field == "message"
    assert _files(world) == []


async def test_a_refused_request_does_not_fetch_its_picture(
    open_house: OpenHouse, world: World, png: bytes
) -> None:
    """Nor does it leave one."""
    house = await open_house(quota=Quota(0, DAY, 1))
    world.files.files[URL] = png

    with pytest.raises(QuotaExceeded):
        await house.ask(what=recipe(image=picture(URL)))

    assert (world.files.fetched, _files(world)) == ([], [])


async def test_a_request_refused_at_the_last_moment_leaves_no_picture(
    open_house: OpenHouse, world: World, png: bytes
) -> None:
    """Two pass the first look together; the commit takes one."""
    house = await open_house(quota=Quota(1, DAY, 9))
    world.files.files[URL] = png
    what = recipe(image=picture(URL))

    results = await asyncio.gather(
        *(house.ask(what=what, answer=False) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["QuotaExceeded", "Taken"]
    assert len(_files(world)) == 1


@pytest.mark.parametrize("error", [Unreachable("later")])
async def test_a_picture_that_cannot_be_had_now_is_fetched_after_the_answer(
    house: House, world: World, png: bytes, error: Exception
) -> None:
    """Nobody waits for a slow host; the job is taken, and its picture fetched before it goes."""
    world.files.files[URL] = error
    taken = await house.ask(what=recipe(image=picture(URL)))
    assert taken.new

    world.files.files[URL] = png
    house.run()
    await until(lambda: house.pika.submits == 1)

    image = house.pika.recipes[0].image
    assert image is not None
    assert image.path is not None
    assert image.path.read_bytes() == png
    kept = (await house.job(taken.job.id)).recipe.image
    assert kept is not None
    assert kept.url is None


async def test_a_slow_picture_does_not_keep_the_command_waiting(
    house: House, world: World, png: bytes
) -> None:
    """After a second and a half the job is taken without it, and no half file stays."""
    world.files.files[URL] = png
    go = world.files.hold(URL)

    async with asyncio.timeout(2.5):
        taken = await house.ask(what=recipe(image=picture(URL)))

    assert (await house.job(taken.job.id)).recipe.image == picture(URL)
    go.set()
    house.run()
    await until(lambda: house.pika.submits == 1)


async def test_a_late_picture_that_is_bad_fails_the_job_uncharged(
    house: House, world: World
) -> None:
    """It never reaches Pika."""
    world.files.files[URL] = Unreachable("later")
    taken = await house.ask(what=recipe(image=picture(URL)))
    world.files.files[URL] = b"no picture"

    house.run()
    await until(lambda: (taken.job.id, JobState.FAILED) in house.told)

    job = await house.job(taken.job.id)
    assert (job.code, await house.hold(job.id), house.pika.submits) == (
        "bad_picture",
        "released",
        0,
    )
    assert DeliveryKind.NOTICE in await house.messages(job.id)
    assert house.slots.free == house.slots.most


async def test_a_picture_whose_host_stays_away_fails_the_job_after_some_tries(
    house: House, world: World
) -> None:
    """Each try a little later; then the member is told, and others may go."""
    world.files.files[URL] = Unreachable("later")
    taken = await house.ask(what=recipe(image=picture(URL)))
    tries = len(world.files.fetched)

    house.run()
    for _ in range(3):
        await until(lambda: house.clock.sleeps)
        house.clock.move(60)
    await until(lambda: (taken.job.id, JobState.FAILED) in house.told)

    assert len(world.files.fetched) - tries == 4
    assert await house.hold(taken.job.id) == "released"
    assert house.slots.free == house.slots.most


async def test_a_late_picture_whose_address_has_expired_fails_the_job(
    house: House, world: World
) -> None:
    """A fresh address is not to be had: the member attaches it again."""
    world.files.files[URL] = Unreachable("later")
    taken = await house.ask(what=recipe(image=picture(URL)))
    world.files.files[URL] = Expired("gone")

    house.run()
    await until(lambda: (taken.job.id, JobState.FAILED) in house.told)

    assert (await house.job(taken.job.id)).code == "bad_picture"


async def test_a_job_cancelled_while_its_picture_is_fetched_never_goes_and_leaves_no_file(
    house: House, world: World, png: bytes
) -> None:
    """The slot is free again for the next."""
    world.files.files[URL] = Unreachable("later")
    taken = await house.ask(what=recipe(image=picture(URL)))
    world.files.files[URL] = png
    go = world.files.hold(URL)
    fetched = len(world.files.fetched)
    house.run()
    await until(lambda: len(world.files.fetched) > fetched)

    await house.members.cancel(GUILD, MEMBER, taken.job.id)
    go.set()
    await until(lambda: not house.runner._sending)

    assert house.pika.submits == 0
    assert house.slots.free == house.slots.most
    assert _files(world) == []
