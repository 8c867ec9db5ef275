"""Searching Pika's list where strangers are many, or cannot be read: bounded, and never wrong."""

from __future__ import annotations

import pytest

from bot.model import JobState
from bot.pika.errors import Gone, NoAnswer, PikaError, Unavailable
from bot.workflow.rendering.search import MOST_KNOWN, MOST_READS, MOST_UNREAD, Search
from tests.fakes import House, Lost

S = JobState
TIMEOUT = NoAnswer("timeout", code="timeout")
STEP = 20.0


def _strangers(house: House, count: int, error: PikaError | None = None) -> list[str]:
    """Jobs of others that Pika works on."""
    names = [house.pika.take("somebody's").pika_id for _ in range(count)]
    if error is not None:
        house.pika.read_errors.update(dict.fromkeys(names, error))
    return names


def _search(house: House) -> Search:
    return house.poller._doubts._search


async def _look(house: House, times: int = 1) -> None:
    for _ in range(times):
        await house.poller.round()
        house.clock.move(STEP)
    await house.rest()


async def _someone_is_doubted(house: House) -> None:
    """A job that was never taken, so that the list is looked at from now on."""
    house.pika.outcomes.append(TIMEOUT)
    await house.sent()
    await _look(house)


@pytest.mark.parametrize("error", [Unavailable("503"), Gone("404")], ids=["unread", "gone"])
async def test_strangers_that_were_there_before_a_job_do_not_keep_it_in_doubt(
    house: House, error: PikaError
) -> None:
    """One job of somebody else's that cannot be read kept every doubted job of ours from being
    sent again, for ever. It was listed before our POST left: it is not ours.
    """
    await _someone_is_doubted(house)
    _strangers(house, 3, error)
    await _look(house)
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    sent = house.pika.submits
    await _look(house, 9)

    assert await house.state(job.id) is S.RENDERING
    assert house.pika.submits == sent + 1


@pytest.mark.parametrize("error", [Unavailable("503"), Gone("404")], ids=["unread", "gone"])
async def test_a_job_that_was_listed_and_let_go_unread_is_not_bought_again(
    house: House, error: PikaError
) -> None:
    """Ours was listed, could not be read, and was forgotten for want of room: nobody can say any
    more that it was not there.
    """
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    house.pika.read_errors["pika:1"] = error
    await _look(house)
    house.pika.end("pika:1")
    for _ in range(3):
        _strangers(house, MOST_UNREAD // 2, Unavailable("503"))
        await _look(house)
    assert len(_search(house)._unread) <= MOST_UNREAD
    assert "pika:1" not in _search(house)._unread
    house.pika.read_errors.clear()
    for _ in range(MOST_UNREAD // MOST_READS):
        await _look(house)

    assert house.pika.submits == 1
    assert await house.state(job.id) in {S.IN_DOUBT, S.FAILED}
    await _look(house, int(House.STALL_SECONDS / STEP))
    assert await house.state(job.id) is S.FAILED
    assert (await house.job(job.id)).code == "unknown"
    assert await house.hold(job.id) == "released"
    assert house.pika.submits == 1


async def test_a_listed_job_that_pika_once_did_not_know_is_compared_after_all(
    house: House,
) -> None:
    """One wrong 404 about somebody else's job does not keep ours in doubt: it was still listed."""
    await _someone_is_doubted(house)
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    (name,) = _strangers(house, 1, Gone("404"))
    await _look(house)
    del house.pika.read_errors[name]
    await _look(house, 9)

    assert await house.state(job.id) is S.RENDERING
    assert (await house.job(job.id)).attempt == 2


async def test_a_job_that_was_read_as_nobodys_and_forgotten_is_not_bought_again(
    house: House,
) -> None:
    """While its POST hung it was read, and carried a reference that nobody had asked for yet."""
    await _someone_is_doubted(house)
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    search, reference = _search(house), (await house.job(job.id)).reply_ref
    await search.look(frozenset(), frozenset(house.pika.listed))  # not of it
    house.pika.end("pika:1")
    for _ in range(MOST_KNOWN // MOST_READS + 1):
        _strangers(house, MOST_READS)
        await search.look(frozenset(), frozenset(house.pika.listed))
    found = await search.look({reference or ""}, frozenset())

    assert found.names == {}
    assert found.blind_until >= (job.submitted_at or 0)
    assert len(search._known) == MOST_KNOWN


async def test_strangers_that_cannot_be_read_hide_none_that_can(house: House) -> None:
    """They came first in every look, and ours was never among those that were read."""
    _strangers(house, 98, Unavailable("503"))
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    assert house.pika.taken[-1].pika_id == "pika:99"  # in any order of names the last one
    await _look(house, 98 // MOST_READS + 1)

    assert await house.state(job.id) is S.RENDERING


async def test_each_stranger_is_read_once(house: House) -> None:
    """Also one that carries no reference at all."""
    nameless = house.pika.take(None).pika_id
    other = house.pika.take("somebody's").pika_id
    await _someone_is_doubted(house)
    await _look(house, 4)

    assert [house.pika.calls.count(f"read {name}") for name in (nameless, other)] == [1, 1]
