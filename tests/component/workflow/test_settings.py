"""What a server sets about access, prices and limits, over the real workflow and database."""

from __future__ import annotations

import sqlite3

import pytest

from bot.errors import BadOption
from bot.model import Quota, Verb
from bot.rules.policy import AgeRule, Choices, Pause, PauseMode, Rate, Strikes
from bot.store import audit, policies
from bot.store import governing as store
from bot.store.audit import Act
from bot.workflow.moderation import Access, Governing, Moderator, Whose, options, presets
from bot.workflow.moderation.options import DAY_MS, HOUR_MS
from tests.fakes import GUILD, House

MONA = Moderator(GUILD, 77)
ELSEWHERE = Moderator(GUILD + 1, 77)
QUOTA = Quota(credits=5, window_ms=24 * HOUR_MS, concurrent=5)


@pytest.fixture
def governing(house: House) -> Governing:
    """Over the house's database."""
    return Governing(house.database, house.clock, house.pauses, QUOTA)


async def test_what_is_set_is_read_as_one_whole(governing: Governing) -> None:
    """Everything that a panel shows, of this server only."""
    await governing.access(MONA, Access.ALLOWED_CHANNEL, lambda _: {11, 12})
    await governing.access(MONA, Access.BARRED_ROLE, lambda _: {13})
    await governing.gate(MONA, newcomer_ms=3 * DAY_MS)
    await governing.gate(MONA, age=AgeRule.NOT_THERE)
    await governing.weights(MONA, {Verb.ANIMATE: 2, Verb.CREATE: 1})
    await governing.choose(MONA, lambda now: Choices(log=14))
    await governing.block(MONA, 21, None, None)
    await governing.block(MONA, 22, None, 1)
    await governing.limit(MONA, Whose.MEMBER, 23, credits_=1, hours=None, concurrent=None)
    now = await governing.standing(GUILD)
    assert now.policy.allowed_channels == {11, 12}
    assert now.policy.barred_roles == {13}
    assert now.policy.required_roles == frozenset()
    assert (now.policy.newcomer_ms, now.policy.age) == (3 * DAY_MS, AgeRule.NOT_THERE)
    assert now.policy.weights == {Verb.ANIMATE: 2}
    assert now.choices == Choices(log=14)
    assert (now.numbers.members_limited, now.numbers.members_blocked) == (1, 2)
    there = await governing.standing(GUILD + 1)
    assert (there.policy.allowed_channels, there.choices) == (frozenset(), Choices())
    assert (there.numbers.members_limited, there.numbers.members_blocked) == (0, 0)


async def test_blocks_and_pauses_that_are_over_do_not_count(
    house: House, governing: Governing
) -> None:
    """They are still written down, and hold no more."""
    await governing.block(MONA, 21, None, 1)
    await governing.pause(MONA, PauseMode.PAUSE, None, 1)
    assert (await governing.standing(GUILD)).pause is not None
    house.clock.move(3_600)
    now = await governing.standing(GUILD)
    assert (now.pause, now.numbers.members_blocked) == (None, 0)


@pytest.mark.parametrize("mode", PauseMode)
async def test_the_operators_pause_stands_in_every_server(
    house: House, governing: Governing, mode: PauseMode
) -> None:
    """Moderators saw a server that takes videos, and members who were refused. It is not the
    server's own pause, and ends like one.
    """
    until = house.clock.now() + HOUR_MS

    def pause(tx: sqlite3.Connection) -> None:
        act = Act(policies.OPERATOR, 1, house.clock.now())
        store.pause(tx, act, mode, reason="repairs", until=until)

    await house.database.write(pause)
    for guild_id in (GUILD, GUILD + 1):
        now = await governing.standing(guild_id)
        assert (now.pause, now.all_paused) == (None, Pause(mode, "repairs", until))
    house.clock.move(3_600)
    assert (await governing.standing(GUILD)).all_paused is None


async def test_a_list_changes_from_what_it_is_now(governing: Governing) -> None:
    """Whoever adds one does not take off what somebody else has added meanwhile."""
    await governing.access(MONA, Access.REQUIRED_ROLE, lambda now: now | {11})
    entry = await governing.access(MONA, Access.REQUIRED_ROLE, lambda now: now | {12})
    assert entry is not None
    assert (entry.before, entry.after) == ({"ids": [11]}, {"ids": [11, 12]})
    assert await governing.access(MONA, Access.REQUIRED_ROLE, lambda now: now) is None
    with pytest.raises(BadOption, match="at most 25"):
        await governing.access(MONA, Access.REQUIRED_ROLE, lambda now: now | set(range(100, 124)))
    assert (await governing.standing(GUILD)).policy.required_roles == {11, 12}


async def test_a_preset_is_one_step(house: House, governing: Governing) -> None:
    """The limit and the budget together, each with its entry, and back to what the bot has."""
    for name, preset in presets.PRESETS.items():
        await governing.allow(MONA, preset.everyone, preset.budget)
        now = await governing.standing(GUILD)
        assert now.policy.default == (preset.everyone or QUOTA)
        assert now.policy.budget == preset.budget
        assert presets.chosen(now.policy, QUOTA) == name
    entries = await governing.allow(MONA, Quota(7, HOUR_MS, 1), Rate(70, HOUR_MS))
    assert [(entry.action, entry.subject) for entry in entries] == [
        ("limit", "everyone"),
        ("limit", "server"),
    ]
    assert await governing.allow(MONA, Quota(7, HOUR_MS, 1), Rate(70, HOUR_MS)) == []
    now = await governing.standing(GUILD)
    assert presets.chosen(now.policy, QUOTA) is None
    assert (await governing.standing(ELSEWHERE.guild_id)).policy.default == QUOTA
    assert len(await audit.page(house.database, ELSEWHERE.guild_id, most=10)) == 0


@pytest.mark.parametrize("days", [-1, 365.1, float("nan"), float("inf"), 1e300])
def test_days_that_no_member_can_be_new(days: float) -> None:
    """Refused with the range, whatever a client sends."""
    with pytest.raises(BadOption, match="`Days` must be between 0 and 365"):
        options.new_for_ms(days, "Days")


@pytest.mark.parametrize("days", [0, 0.9, 3651, float("nan"), float("inf")])
def test_days_that_nothing_is_kept(days: float) -> None:
    """Refused with the range."""
    with pytest.raises(BadOption, match="between 1 and 3,650"):
        options.kept_for_ms(days)


def test_strikes_name_the_number_that_is_wrong() -> None:
    """As the form calls it."""
    names = ("Prompts", "Hours", "Blocked")
    assert options.strikes(3, 24, 0.5, names) == Strikes(3, DAY_MS, HOUR_MS // 2)
    for numbers, name in (((0, 1, 1), "Prompts"), ((1, 0, 1), "Hours"), ((1, 1, 8761), "Blocked")):
        with pytest.raises(BadOption, match=f"`{name}` must be between"):
            options.strikes(*numbers, names)
    with pytest.raises(BadOption, match="`/create` must be between 1 and 100"):
        options.weight(0, "/create")
