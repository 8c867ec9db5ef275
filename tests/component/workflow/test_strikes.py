"""Too many prompts that Pika moderates block whoever asked, with the last one, in their server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.model import DeliveryKind, Job, JobState, PikaStatus, Quota
from bot.pika.errors import Moderated
from bot.rules.policy import Block, Strikes
from bot.store import audit, governing, policies, strikes
from bot.store.audit import AuditEntry
from bot.ui.cards import notice_text
from bot.ui.texts import account_text, explained_text
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, House, asker_of, recipe, requester
from tests.servers import ELSEWHERE, change, choose

HOUR = 3_600_000
RULE = Strikes(3, 24 * HOUR, 2 * HOUR)
OTHER = 401
REASON = "Pika's moderation refused 3 prompts of the last 24 hours"


@pytest.fixture
async def strict(open_house: OpenHouse) -> House:
    """A server with a rule, whose members may ask for a lot."""
    house = await open_house(quota=Quota(99, HOUR, 99), slots=9)
    await choose(house, strikes=RULE)
    return house


async def moderated(house: House, member: int = MEMBER, guild: int = GUILD) -> Job:
    """A prompt that Pika refuses, a moment later."""
    house.clock.move(1)
    taken = await house.ask(requester(member, guild))
    await house.settling.fail(taken.job, PikaStatus.MODERATED, "no")
    return await house.job(taken.job.id)


async def standing(house: House, member: int = MEMBER, guild: int = GUILD) -> Block | None:
    """The member's block."""
    now = house.clock.now()
    return await house.database.read(lambda tx: governing.standing_block(tx, guild, member, now))


async def moderate(house: House, what: Any, **values: Any) -> None:
    """A moderator blocks or unblocks the member."""
    await change(house, lambda tx, act: what(tx, act, MEMBER, **values))


async def blocks(house: House, guild: int = GUILD) -> list[AuditEntry]:
    """Blocks that the log has of a server, oldest first."""
    found = await audit.page(house.database, guild, most=100)
    return [entry for entry in reversed(found) if entry.action == "block"]


async def test_the_last_one_too_many_blocks(strict: House) -> None:
    """By the bot itself, as an ordinary block with its reason and end; it is refused from then on,
    and asks again afterwards.
    """
    for _ in range(2):
        job = await moderated(strict)
        assert (await standing(strict), job.blocked_until) == (None, None)
    job = await moderated(strict)
    until = strict.clock.now() + RULE.block_ms

    assert await standing(strict) == Block(REASON, until)
    assert job.blocked_until == until
    (entry,) = await blocks(strict)
    assert (entry.act.actor_id, entry.subject_id) == (0, MEMBER)
    assert (entry.before, entry.after) == (None, {"reason": REASON, "until": until})
    with pytest.raises(NotAllowed, match="refused 3 prompts of the last 24 hours"):
        await strict.ask()
    strict.clock.move(RULE.block_ms / 1000)
    await strict.ask()


async def test_pikas_refusal_of_the_request_itself_counts_too(strict: House) -> None:
    """Some prompts are moderated at once, others later."""
    for outcome in (Moderated("no"), PikaStatus.MODERATED, Moderated("no")):
        strict.pika.outcomes.append(outcome)
        job = await strict.sent()
        await strict.rest()
        job = await strict.job(job.id)
        assert (job.state, job.code) == (JobState.FAILED, "moderated")

    assert await standing(strict) is not None


async def test_other_failures_and_other_people_do_not_count(strict: House) -> None:
    """Nor the same member in another server, nor servers that have no such rule."""
    await choose(strict, ELSEWHERE, strikes=Strikes(1, HOUR, HOUR))
    for _ in range(2):
        await moderated(strict)
    for code in ("failed", "stalled", "refused"):
        await strict.settling.fail((await strict.ask()).job, code, "")
    await moderated(strict, OTHER)
    assert await standing(strict) is None
    assert await standing(strict, OTHER) is None

    await moderated(strict, guild=ELSEWHERE)
    assert await standing(strict, guild=ELSEWHERE) is not None
    assert await standing(strict) is None
    for _ in range(5):
        await moderated(strict, guild=ELSEWHERE + 1)
    assert await standing(strict, guild=ELSEWHERE + 1) is None
    await moderated(strict)
    assert await standing(strict) is not None


async def test_only_a_moderated_prompt_blocks(strict: House) -> None:
    """A rule that was made stricter waits for the next one; what else fails is no reason."""
    for _ in range(2):
        await moderated(strict)
    await choose(strict, strikes=replace(RULE, count=2))
    await strict.settling.fail((await strict.ask()).job, "failed", "")
    assert await standing(strict) is None
    await moderated(strict)
    assert await standing(strict) is not None


async def test_they_count_for_as_long_as_the_window(strict: House) -> None:
    """To the millisecond."""
    await moderated(strict)
    await moderated(strict)
    strict.clock.move(24 * 3_600 - 2)
    await moderated(strict)
    assert await standing(strict) is None
    await moderated(strict)
    assert await standing(strict) is None
    await moderated(strict)
    assert await standing(strict) is not None


async def test_after_a_block_or_a_pardon_it_begins_anew(strict: House) -> None:
    """What was punished is not punished again, and what a moderator forgave is forgiven."""
    for _ in range(3):
        await moderated(strict)
    strict.clock.move(RULE.block_ms / 1000)
    for _ in range(2):
        await moderated(strict)
    assert await standing(strict) is None
    await moderated(strict)
    assert await standing(strict) is not None

    await moderate(strict, governing.unblock)
    for _ in range(2):
        await moderated(strict)
    assert await standing(strict) is None
    await moderate(strict, governing.block, reason="spam")
    await moderate(strict, governing.unblock)
    for _ in range(2):
        await moderated(strict)
    assert await standing(strict) is None


async def test_a_block_for_another_reason_forgives_nothing(strict: House) -> None:
    """It ends by itself; the strikes of before still count."""
    now = strict.clock.now()
    for _ in range(2):
        await moderated(strict)
    await moderate(strict, governing.block, reason="spam", until=now + 5_000)
    strict.clock.move(5)
    await moderated(strict)
    assert await standing(strict) == Block(REASON, strict.clock.now() + RULE.block_ms)


@pytest.mark.parametrize("until", [None, 10**14])
async def test_a_longer_block_stays_as_it_is(strict: House, until: int | None) -> None:
    """What was under way when the moderator blocked ends meanwhile; nothing is written."""
    under_way = [(await strict.ask()).job for _ in range(4)]
    await moderate(strict, governing.block, reason="spam", until=until)
    for job in under_way:
        await strict.settling.fail(job, "moderated", "")

    assert await standing(strict) == Block("spam", until)
    assert len(await blocks(strict)) == 1
    assert (await strict.job(under_way[-1].id)).blocked_until is None


async def test_the_member_is_told_why_and_until_when(strict: House) -> None:
    """With the notice of the job that was one too many; the others say nothing of it."""
    first, _, last = [await moderated(strict) for _ in range(3)]
    until = -(-(last.blocked_until or 0) // 1000)

    assert notice_text(last) == (
        f"<@{MEMBER}> Job {last.id}: Pika's moderation refused this prompt or picture. You were "
        "not charged. As that has now happened too often, you may not ask for videos in this "
        f"server until <t:{until}:f>."
    )
    assert "too often" not in notice_text(first)
    await strict.deliver()
    assert len(strict.discord.of(last.id, DeliveryKind.NOTICE)) == 1


async def test_quota_and_explain_show_them(strict: House) -> None:
    """How many, of how many, in what time, and what comes of it; nothing where none count."""
    await moderated(strict)
    account = await strict.members.account(asker_of(requester()))
    said = (
        "-# Prompts that Pika's moderation refused in the last 24 hours: 1. "
        "3 of them block for 2 hours."
    )
    assert account_text(account).split("\n")[-1] == said
    assert explained_text(account, "<@400>").split("\n")[-1] == said
    elsewhere = await strict.members.account(asker_of(requester(guild_id=ELSEWHERE)))
    assert "moderation" not in account_text(elsewhere)


async def test_a_job_and_its_block_are_one_transaction(strict: House) -> None:
    """If the one cannot be written, nor is the other."""
    for _ in range(2):
        await moderated(strict)
    await strict.database.write(
        lambda tx: tx.execute(
            "CREATE TRIGGER no BEFORE INSERT ON member_block BEGIN SELECT raise(ABORT, 'no'); END"
        )
    )
    taken = await strict.ask(what=recipe("the third"))
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        await strict.settling.fail(taken.job, "moderated", "")

    assert await strict.state(taken.job.id) is JobState.QUEUED
    assert await strict.hold(taken.job.id) == "held"


async def test_everybody_else_is_as_before(strict: House) -> None:
    """A block by the bot is of one member."""
    for _ in range(3):
        await moderated(strict)
    _, people = await strict.database.read(
        lambda tx: policies.read_all(tx, GUILD, Quota(1, 1, 1), strict.clock.now())
    )
    assert people.keys() == {MEMBER}


@pytest.mark.parametrize(
    ("query", "index"),
    [(strikes.COUNT, "job_moderated"), (strikes.FRESH, "audit_of_blocks")],
)
def test_they_are_found_by_an_index(database_path: Path, query: str, index: str) -> None:
    """However long the history of a server is."""
    with closing(sqlite3.connect(database_path)) as db:
        params = {"guild_id": 1, "user_id": 2, "after": 3}
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", params)]
    (step,) = plan if len(plan) == 1 else [one for one in plan if "SEARCH" in one]
    assert f"USING INDEX {index} (guild_id=?" in step or f"COVERING INDEX {index} (guild" in step
