"""A paused server's jobs wait in their places, and go on when the pause ends."""

from __future__ import annotations

import sqlite3

import pytest

from bot.errors import NotAllowed
from bot.model import Job, JobState
from bot.pika.errors import Busy
from bot.rules.policy import PauseMode
from bot.store import governing
from bot.store.audit import Act
from bot.store.policies import OPERATOR
from bot.ui.cards import card
from bot.workflow.outlook import shows
from tests.conftest import OpenHouse
from tests.fakes import GUILD, START, House, a_while, requester, until

OTHER = 7
S = JobState


async def _pause(
    house: House,
    guild_id: int = GUILD,
    *,
    mode: PauseMode = PauseMode.PAUSE,
    reason: str | None = None,
    until: int | None = None,
) -> None:
    def work(tx: sqlite3.Connection) -> None:
        act = Act(guild_id, 900, house.clock.now())
        governing.pause(tx, act, mode, reason=reason, until=until)

    await house.database.write(work)
    await house.pauses.read()


async def _resume(house: House, guild_id: int = GUILD) -> None:
    await house.database.write(
        lambda tx: governing.resume(tx, Act(guild_id, 900, house.clock.now()))
    )
    await house.pauses.read()


async def _waiting(house: House) -> list[Job]:
    """One job of this server, one of another, and another one of this."""
    return [(await house.ask(requester(guild_id=g))).job for g in (GUILD, OTHER, GUILD)]


async def test_jobs_of_a_paused_server_wait_and_others_go(house: House) -> None:
    """And after the resume they go in the order in which they were asked for."""
    mine, other, mine_too = await _waiting(house)
    await _pause(house)
    house.run()
    await house.rest()
    assert [await house.state(job.id) for job in (mine, other, mine_too)] == [
        S.QUEUED,
        S.RENDERING,
        S.QUEUED,
    ]

    await _resume(house)
    await until(lambda: (mine.id, S.RENDERING) in house.told)
    await house.rest()

    assert await house.state(mine_too.id) is S.QUEUED
    assert house.queue.place(mine_too.id) == 1


async def test_a_pause_with_an_end_ends_by_itself(house: House) -> None:
    """Not a moment earlier, and without anybody doing anything."""
    mine, _, _ = await _waiting(house)
    await _pause(house, until=START + 60_000)
    house.run()
    await house.rest()

    house.clock.move(59.999)
    await a_while()
    assert await house.state(mine.id) is S.QUEUED

    house.clock.move(0.001)
    await until(lambda: (mine.id, S.RENDERING) in house.told)


async def test_the_operators_pause_holds_every_server(house: House) -> None:
    """Until it is over."""
    jobs = await _waiting(house)
    await _pause(house, OPERATOR)
    house.run()
    await house.rest()
    assert {await house.state(job.id) for job in jobs} == {S.QUEUED}

    await _resume(house, OPERATOR)
    await until(lambda: (jobs[1].id, S.RENDERING) in house.told)


async def test_a_drain_lets_go_what_was_taken(house: House) -> None:
    """But takes nothing new."""
    mine, _, _ = await _waiting(house)
    await _pause(house, mode=PauseMode.DRAIN, reason="party")
    house.run()
    await until(lambda: (mine.id, S.RENDERING) in house.told)

    with pytest.raises(NotAllowed, match=r"new videos now\. Reason: `party`"):
        await house.ask()


async def test_a_pause_outlives_a_restart(open_house: OpenHouse) -> None:
    """It is written down."""
    house = await open_house()
    mine, other, _ = await _waiting(house)
    await _pause(house)

    house = await open_house()
    house.run()
    await house.rest()

    assert await house.state(mine.id) is S.QUEUED
    assert await house.state(other.id) is S.RENDERING


async def test_a_job_that_comes_back_during_a_pause_waits(open_house: OpenHouse) -> None:
    """Pika was busy, and meanwhile the server was paused: it is the first to go on."""
    house = await open_house(slots=1)
    house.pika.outcomes.append(Busy("busy"))
    mine = (await house.ask()).job
    house.run()
    await house.rest()
    await _pause(house)
    house.clock.move(60)
    await house.rest()
    assert await house.state(mine.id) is S.QUEUED

    await _resume(house)
    await until(lambda: (mine.id, S.RENDERING) in house.told)


@pytest.mark.parametrize(
    ("guild_id", "values", "text"),
    [
        (GUILD, {}, "⏸️ Paused by the moderators"),
        (
            GUILD,
            {"reason": "a `party`", "until": START + 60_000},
            "⏸️ Paused by the moderators: `a ˋpartyˋ` · goes on <t:1700000060:R>",
        ),
        (OPERATOR, {}, "⏸️ Paused by the bot's operator"),
    ],
)
async def test_cards_say_why_a_job_waits(
    house: House, guild_id: int, values: dict[str, str | int], text: str
) -> None:
    """And since that is another thing than a place, the card is rewritten; both ways."""
    mine, _, _ = await _waiting(house)
    before = shows(mine, house.outlooks.of(mine))

    await _pause(house, guild_id, **values)  # type: ignore[arg-type]
    outlook = house.outlooks.of(mine)

    assert card(mine, outlook).text.endswith(f"\n{text}")
    assert card(mine, outlook).can_cancel
    assert shows(mine, outlook) != before
    await _resume(house, guild_id)
    assert shows(mine, house.outlooks.of(mine)) == before


async def test_a_card_is_rewritten_when_its_server_is_paused(house: House) -> None:
    """As soon as the courier looks at it, as it does with all that wait in turn."""
    mine, _, _ = await _waiting(house)
    await _pause(house)
    house.clock.move(10)
    house.courier.touch(mine.id)

    await house.deliver()

    assert dict(house.discord.edits)[mine.id] == "held False None"
