"""How often Pika is asked: callbacks are judged by what they brought, never by their number."""

from __future__ import annotations

import pytest

from bot.model import JobState, PikaStatus
from bot.pika.errors import NoAnswer, Unavailable
from bot.workflow.rendering.pace import SLOWER
from tests.conftest import OpenHouse
from tests.fakes import GUILD, House, a_while, requester, until

S = JobState


async def _intervals(house: House, count: int) -> int:
    """How many rounds there are in so many poll intervals."""
    before = house.pika.calls.count("list")
    for _ in range(count):
        await until(lambda: house.POLL_SECONDS in house.clock.sleeps)
        house.clock.move(House.POLL_SECONDS)
        await a_while(8)
    return house.pika.calls.count("list") - before


async def _ended(house: House, *, called: bool, status: PikaStatus = PikaStatus.COMPLETED) -> None:
    """A job ends at Pika; a callback says so, or a round has to find it."""
    job = await house.rendering(who=requester(1000 + len(house.told)))
    if status is PikaStatus.COMPLETED:
        house.finish(job)
    else:
        house.pika.end(str(job.pika_id), status)
    if called:
        await house.poller.hint(str(job.reply_ref), job.pika_id)
    else:
        await house.poller.round()
    assert await house.state(job.id) in {S.DELIVERING, S.FAILED}


@pytest.fixture
async def busy(open_house: OpenHouse) -> House:
    """A house in whose name Pika always works on something."""
    house = await open_house(slots=20)
    await house.rendering()
    house.start(house.poller.run())
    return house


async def test_without_callbacks_every_interval_has_its_round(busy: House) -> None:
    """Nothing changes for whoever has no PUBLIC_URL."""
    await _ended(busy, called=False)

    assert await _intervals(busy, 2 * SLOWER) == 2 * SLOWER


async def test_while_callbacks_tell_first_there_are_fewer_rounds(busy: House) -> None:
    """One in four; polling never stops."""
    await _ended(busy, called=True)

    assert await _intervals(busy, 3 * SLOWER) == 3


@pytest.mark.parametrize("status", [PikaStatus.COMPLETED, PikaStatus.FAILED])
async def test_one_missed_callback_and_every_interval_has_its_round_again(
    busy: House, status: PikaStatus
) -> None:
    """A job that a round found ended, and of which no callback had told."""
    await _ended(busy, called=True)
    await _ended(busy, called=False, status=status)

    assert await _intervals(busy, SLOWER) == SLOWER


@pytest.mark.parametrize("status", [PikaStatus.MODERATED, PikaStatus.CANCELLED])
async def test_ends_that_are_never_called_back_say_nothing(busy: House, status: PikaStatus) -> None:
    """Pika calls back what was completed or has failed, and nothing else."""
    await _ended(busy, called=True)
    await _ended(busy, called=False, status=status)

    assert await _intervals(busy, SLOWER) == 1


async def test_a_callback_that_is_only_repeated_proves_nothing(busy: House) -> None:
    """A round had found it; the callback that comes afterwards was late."""
    job = await busy.rendering(who=requester(7))
    busy.finish(job)
    await busy.poller.round()
    for _ in range(3):
        await busy.poller.hint(str(job.reply_ref), job.pika_id)

    assert await _intervals(busy, SLOWER) == SLOWER


async def test_a_callback_whose_read_failed_was_no_missed_one(busy: House) -> None:
    """It is read again with the next interval, and counts as having come."""
    await _ended(busy, called=True)
    job = await busy.rendering(who=requester(7))
    busy.finish(job)
    busy.pika.read_errors[str(job.pika_id)] = Unavailable("later")
    await busy.poller.hint(str(job.reply_ref), job.pika_id)
    assert await _intervals(busy, 2) == 2
    busy.pika.read_errors.clear()
    assert await _intervals(busy, 1) == 1
    await until(lambda: (job.id, S.DELIVERING) in busy.told)

    assert await _intervals(busy, SLOWER) == 1


async def test_a_doubt_is_looked_for_at_full_speed(busy: House) -> None:
    """A search with gaps proves nothing."""
    await _ended(busy, called=True)
    busy.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
    await busy.sent(who=requester(7))

    assert await _intervals(busy, SLOWER) == SLOWER


async def test_a_wish_to_cancel_reaches_pika_at_full_speed(busy: House) -> None:
    """Every interval may cost the member a credit."""
    await _ended(busy, called=True)
    job = await busy.rendering(who=requester(7))
    await busy.members.cancel(GUILD, 7, job.id)

    await _intervals(busy, 1)

    await until(lambda: (job.id, S.CANCELLED) in busy.told)
