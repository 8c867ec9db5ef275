"""What is changed in a server stands in its log channel: once, in order, whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Denied, TryLater
from bot.model import Quota
from bot.store.logbook import KEPT_MOST, KEPT_MS, LogState
from bot.workflow.delivery.closed import Need
from bot.workflow.moderation import Governing
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.log import MOST_REFUSED_MS, RETRY_MS, Page, ServerLog
from tests.conftest import OpenHouse
from tests.fakes import GUILD, Held, House, PostedSilent, PostedUnheard, a_while, until
from tests.servers import ELSEWHERE, LOG, MODERATOR, OTHER_LOG, block, blocked, choose

LONG = 600.0  # longer than Discord remembers a nonce


async def state(house: House, guild: int = GUILD) -> LogState:
    """How the log is doing, as moderators see it."""
    governing = Governing(house.database, house.clock, house.pauses, Quota(5, 1_000, 2))
    return (await governing.standing(guild)).log


@pytest.fixture
async def logged(house: House) -> House:
    """A house whose server has a log channel, which knows so."""
    await choose(house, log=LOG)
    await house.tell()
    return house


# -- once, in order ------------------------------------------------------------------------


async def test_each_change_is_told_with_who_and_when_from_what_to_what(house: House) -> None:
    """In the words that the moderator was answered with; and it begins with the choice itself."""
    await choose(house, log=LOG)
    await block(house, 7)
    for _ in range(3):
        await house.tell()
        house.clock.move(LONG)

    (text,) = house.discord.said(LOG)
    chosen, when, change, _ = text.split("\n")
    assert f"{LOG}" in chosen
    assert when == f"-# <t:{house.clock.now() // 1000 - 3 * int(LONG)}:f> by <@{MODERATOR}>"
    assert change == "<@7>: may ask for videos → blocked, until somebody ends it"
    assert await state(house) == LogState()


async def test_what_came_before_the_channel_was_chosen_is_not_told(house: House) -> None:
    """And a server without a log channel keeps nothing for it."""
    await block(house, 7)
    assert await state(house) == LogState()
    await choose(house, log=LOG)
    await block(house, 8)
    await house.tell()

    assert blocked(house) == [8]


async def test_many_changes_share_messages_and_none_is_too_long(logged: House) -> None:
    """However many come at once, each is told once and in order."""
    await block(logged, *range(1, 101))
    for _ in range(100):
        await logged.tell()

    assert blocked(logged) == list(range(1, 101))
    assert 5 < len(logged.discord.said(LOG)) < 20
    assert max(map(len, logged.discord.said(LOG))) < 1_980


async def test_two_servers_have_two_logs(logged: House) -> None:
    """Neither learns anything of the other."""
    await choose(logged, guild=ELSEWHERE, log=OTHER_LOG)
    await block(logged, 7)
    await block(logged, 8, guild=ELSEWHERE)
    for _ in range(3):
        await logged.tell()

    assert (blocked(logged), blocked(logged, OTHER_LOG)) == ([7], [8])
    assert {one.guild_id for one in logged.discord.announced.values()} == {GUILD, ELSEWHERE}


async def test_two_rounds_at_once_post_once(logged: House) -> None:
    """A round that comes while a message is under way begins it no second time."""
    await block(logged, 7)
    go = asyncio.Event()
    logged.discord.announcements.append(PostedSilent(go))
    await logged.log.round()
    await until(lambda: blocked(logged))
    logged.clock.move(LONG)
    await logged.log.round()
    await logged.log.round()
    go.set()
    await logged.log.settle_down()

    assert (blocked(logged), len(logged.discord.announce_tried)) == ([7], 2)


@pytest.mark.parametrize("soon", [True, False])
async def test_a_crash_between_the_post_and_its_record_posts_once(
    open_house: OpenHouse, soon: bool
) -> None:
    """The message stands there, the database does not know: the next start looks before it posts,
    and what came meanwhile is told in a message of its own.
    """
    house = await open_house()
    await choose(house, log=LOG)
    await block(house, 7)
    house.discord.announcements.append(PostedSilent(asyncio.Event()))
    await house.log.round()
    await until(lambda: blocked(house))

    house.clock.move(1 if soon else LONG)
    house = await open_house()
    await block(house, 8)
    for _ in range(3):
        await house.tell()

    assert blocked(house) == [7, 8]


async def test_a_lost_answer_posts_once_also_where_nobody_may_look_back(logged: House) -> None:
    """Without the history there is the nonce, and a second try carries the same one."""
    logged.closed.refused(GUILD, LOG, Need.READ, 50013)
    await block(logged, 7)
    logged.discord.announcements.append(PostedUnheard())
    await logged.tell()
    await block(logged, 8)
    logged.clock.move(RETRY_MS / 1000)
    for _ in range(3):
        await logged.tell()

    assert blocked(logged) == [7, 8]
    assert len(logged.discord.announce_tried) == 4


async def test_what_somebody_deleted_is_not_brought_back(logged: House) -> None:
    """Discord knows its nonce and answers "unknown message": it was there."""
    await block(logged, 7)
    logged.discord.announcements.append(Denied(10008))
    await logged.tell()
    await block(logged, 8)
    await logged.tell()

    assert blocked(logged) == [8]


async def test_an_accident_of_ours_is_tried_again_a_little_later(
    logged: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Not every two seconds."""
    await block(logged, 7)
    logged.discord.announcements.append(RuntimeError("of our own"))
    for _ in range(3):
        await logged.tell()
    assert "went wrong" in caplog.text
    assert len(logged.discord.announce_tried) == 2

    logged.clock.move(RETRY_MS / 1000)
    await logged.tell()
    assert blocked(logged) == [7]


async def test_words_that_we_cannot_find_are_no_reason_to_try_for_ever(
    logged: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in wording a change is met once a minute, and ends with the next version."""
    asked = []

    def wording(lines: object, _lost: int) -> Page:
        asked.append(lines)
        raise KeyError("a new kind of change")

    broken = ServerLog(logged.database, logged.clock, logged.discord, wording, logged._count)
    await block(logged, 7)
    for _ in range(10):
        await broken.round()
        await broken.settle_down()
    assert len(asked) == 1
    assert "went wrong" in caplog.text

    logged.clock.move(RETRY_MS / 1000)
    await logged.tell()
    assert blocked(logged) == [7]


async def test_what_is_under_way_at_a_stop_arrives(logged: House) -> None:
    """Nothing more is begun."""
    await block(logged, 7)
    go = asyncio.Event()
    logged.discord.announcements.append(PostedSilent(go))
    await logged.log.round()
    await until(lambda: blocked(logged))
    stopping = asyncio.create_task(logged.log.stop(60))
    await a_while()
    assert not stopping.done()
    go.set()
    await stopping

    assert await state(logged) == LogState()
    await block(logged, 8)
    await logged.tell()
    assert blocked(logged) == [7]


# -- a channel that takes nothing ------------------------------------------------------------


@pytest.mark.parametrize("code", [10003, 50001, 50013])
async def test_a_channel_that_refuses_is_left_alone_and_misses_nothing(
    logged: House, code: int
) -> None:
    """Deleted, unseen or forbidden: it is asked less and less often, and told all of it once it
    takes messages again.
    """
    logged.discord.closed[LOG] = code
    await block(logged, 7)
    tried = len(logged.discord.announce_tried)
    for _ in range(24 * 60):
        await logged.tell()
        logged.clock.move(60)
    await block(logged, 8)
    tries = len(logged.discord.announce_tried) - tried
    assert 5 <= tries <= 12
    found = await state(logged)
    assert (found.waiting, found.refused) == (2, code)
    assert logged.chores == {Chore.LOG_POSTED: 1, Chore.LOG_REFUSED: tries, Chore.LOG_LOST: 0}

    del logged.discord.closed[LOG]
    logged.clock.move(MOST_REFUSED_MS / 1000)
    await logged.tell()
    assert blocked(logged) == [7, 8]
    assert await state(logged) == LogState()


async def test_a_channel_that_opens_is_told_at_once(logged: House) -> None:
    """The gateway tells of new permissions; those of other servers mean nothing here."""
    logged.discord.closed[LOG] = 50013
    await block(logged, 7)
    await logged.tell()
    del logged.discord.closed[LOG]
    logged.closed.reopen(ELSEWHERE)
    await logged.tell()
    assert blocked(logged) == []

    logged.closed.reopen(GUILD)
    await logged.tell()
    assert blocked(logged) == [7]


async def test_another_channel_is_told_what_the_first_did_not_take(logged: House) -> None:
    """At once, and from then on everything."""
    logged.discord.closed[LOG] = 10003
    await block(logged, 7)
    await logged.tell()
    assert (await state(logged)).refused == 10003
    await choose(logged, log=OTHER_LOG)
    assert (await state(logged)).refused is None
    await block(logged, 8)
    for _ in range(3):
        await logged.tell()

    assert blocked(logged, OTHER_LOG) == [7, 8]
    assert await state(logged) == LogState()


async def test_what_waits_too_long_or_is_too_much_is_given_up_and_said_so(logged: House) -> None:
    """Of more than a server's share the oldest go; the log says how many it lacks."""
    logged.discord.closed[LOG] = 50013
    await block(logged, *range(1, KEPT_MOST + 11))
    for _ in range(4):
        await logged.tell()
        logged.clock.move(MOST_REFUSED_MS / 1000)
    assert (await state(logged)).waiting == KEPT_MOST
    del logged.discord.closed[LOG]
    for _ in range(KEPT_MOST):
        await logged.tell()
    assert blocked(logged) == list(range(11, KEPT_MOST + 11))
    texts = logged.discord.said(LOG)
    assert [text.split("\n")[0] for text in texts if "could not be posted" in text] == [
        "-# Before this, 10 lines could not be posted here. `/moderate audit` has every change."
    ]

    logged.discord.closed[LOG] = 50013
    await block(logged, 9_001)
    await logged.tell()
    logged.clock.move(KEPT_MS / 1000 + 1)
    await block(logged, 9_002)
    await logged.tell()
    del logged.discord.closed[LOG]
    logged.clock.move(MOST_REFUSED_MS / 1000)
    await logged.tell()
    assert logged.chores[Chore.LOG_LOST] == 11
    assert blocked(logged)[-1:] == [9_002]
    assert 9_001 not in blocked(logged)
    assert "1 line could not be posted" in logged.discord.said(LOG)[-1]


async def test_words_that_discord_refuses_block_nothing_behind_them(logged: House) -> None:
    """AutoMod takes one message: it is left out, the next one says so."""
    await block(logged, 7)
    logged.discord.announcements.append(Denied(200000))
    await logged.tell()
    await block(logged, 8)
    await logged.tell()

    assert blocked(logged) == [8]
    assert "1 line could not be posted" in logged.discord.said(LOG)[-1]


async def test_trouble_at_discord_is_waited_for(logged: House) -> None:
    """As long as it says, and longer the longer it lasts."""
    await block(logged, 7)
    for _ in range(5):
        logged.discord.announcements.append(TryLater(30))
    for _ in range(149):
        await logged.tell()
        logged.clock.move(1)
    assert blocked(logged) == []
    logged.clock.move(1)
    await logged.tell()
    assert blocked(logged) == [7]


# -- no log in silence -----------------------------------------------------------------------


async def test_nobody_turns_a_log_off_unseen(logged: House) -> None:
    """Its channel is told of what was still waiting, and last that it is told no more."""
    await block(logged, 7)
    await choose(logged, log=None)
    await block(logged, 8)
    for _ in range(3):
        await logged.tell()

    assert blocked(logged) == [7]
    assert logged.discord.said(LOG)[-1].split("\n")[-2] == f"Log channel: <#{LOG}> → none"
    assert await state(logged) == LogState()


async def test_nobody_moves_a_log_unseen(logged: House) -> None:
    """Both channels hear of it; if the old one is gone, nothing waits for it."""
    await choose(logged, log=OTHER_LOG)
    for _ in range(3):
        await logged.tell()
    for channel in (LOG, OTHER_LOG):
        last = logged.discord.said(channel)[-1]
        assert last.startswith(f"Log channel: <#{LOG}> → <#{OTHER_LOG}>")

    logged.discord.closed[OTHER_LOG] = 10003
    await choose(logged, log=LOG)
    await block(logged, 7)
    for _ in range(4):
        await logged.tell()
    assert blocked(logged) == [7]
    assert not any("could not be posted" in text for text in logged.discord.said(LOG))
    assert await state(logged) == LogState()


async def test_a_server_that_the_bot_has_left_is_told_nothing(logged: House) -> None:
    """Each try would be refused; if the bot comes back, it is told."""
    await block(logged, 7)
    await logged.database.write(
        lambda tx: tx.execute("INSERT INTO server_absence VALUES (?, 1)", (GUILD,))
    )
    await logged.tell()
    assert blocked(logged) == []
    await logged.database.write(lambda tx: tx.execute("DELETE FROM server_absence"))
    await logged.tell()
    assert blocked(logged) == [7]


@pytest.mark.parametrize("code", [50013, 200000])
async def test_a_refusal_says_nothing_of_a_channel_that_was_chosen_meanwhile(
    logged: House, code: int
) -> None:
    """A log was moved while the old channel was refusing: the new one was left alone for up to
    six hours, and called refusing.
    """
    for _ in range(6):
        logged.discord.announcements.append(Denied(50013))
    await block(logged, 7)
    for _ in range(6):
        await logged.tell()
        logged.clock.move(MOST_REFUSED_MS / 1000)
    refuses = asyncio.Event()
    logged.discord.announcements.append(Held(refuses, Denied(code)))
    round_ = asyncio.create_task(logged.tell())
    await until(lambda: not logged.discord.announcements)
    await choose(logged, log=OTHER_LOG)
    refuses.set()
    await round_

    assert (await state(logged)).refused is None
    for _ in range(3):
        await logged.tell()
    assert blocked(logged, OTHER_LOG) == [7]


async def test_of_many_changes_only_the_one_that_discord_refuses_is_left_out(
    logged: House,
) -> None:
    """A reason had quoted what a member said, which AutoMod takes: up to forty changes of others
    that shared its message were missing from the log, too.
    """
    await block(logged, *range(1, 6))
    whole, third = Denied(200000), Denied(200000)
    logged.discord.announcements.extend([whole, None, None, third])
    for _ in range(8):
        await logged.tell()
    await block(logged, 6, 7)
    await logged.tell()

    assert blocked(logged) == [1, 2, 4, 5, 6, 7]
    texts = logged.discord.said(LOG)
    (told,) = [text for text in texts if "could not be posted" in text]
    assert told.startswith("-# Before this, 1 line ")
    assert blocked_in(told) == [4]
    assert blocked_in(texts[-1]) == [6, 7]
    assert logged.chores[Chore.LOG_LOST] == 1


async def test_a_kill_while_changes_go_one_by_one_loses_none(open_house: OpenHouse) -> None:
    """The next process begins with the whole message again, and is refused as well."""
    house = await open_house()
    await choose(house, log=LOG)
    await house.tell()
    await block(house, 1, 2, 3)
    house.discord.announcements.extend([Denied(200000), None])
    for _ in range(2):
        await house.tell()
    assert blocked(house) == [1]
    house = await open_house()
    house.discord.announcements.extend([Denied(200000), Denied(200000)])
    for _ in range(5):
        await house.tell()
    assert blocked(house) == [1, 3]


def blocked_in(text: str) -> list[int]:
    """The members of whom one message says that they are blocked."""
    lines = [line for line in text.split("\n") if "→ blocked" in line]
    return [int(line[2 : line.index(">")]) for line in lines]
