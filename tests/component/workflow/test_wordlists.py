"""What a server's committed block list blocks never becomes a job, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.errors import NotAllowed
from bot.model import Mark, Recipe, Verb
from bot.rules.trace import Rule
from bot.rules.words import Listed, Then
from bot.store import jobs, words
from bot.store.audit import Act
from bot.store.database import within
from bot.workflow.intake import Taken
from tests.conftest import OpenHouse
from tests.fakes import GUILD, START, House, picture, recipe, requester

OTHER = 7
URL = "https://cdn.test/fox.png"


async def _block(
    house: House, *phrases: str, guild_id: int = GUILD, then: Then = Then.REFUSE
) -> None:
    act, entries = Act(guild_id, 900, START), [Listed(phrase, then) for phrase in phrases]
    await house.database.write(lambda tx: words.replace_all(tx, act, entries))


async def _refused(house: House, what: Recipe) -> str:
    with pytest.raises(NotAllowed) as refused:
        await house.ask(what=what)
    assert refused.value.rule == Rule.WORDS
    assert await jobs.unfinished(house.database) == []
    assert await house.used() == 0
    return str(refused.value)


@pytest.mark.parametrize(
    "what",
    [
        recipe("a bad fox"),
        recipe("a b4d fox"),
        recipe("a fox -neg bad things"),
        Recipe(Verb.ENCRYPT_TEXT, "a fox", message="so B.A.D"),
    ],
)
async def test_blocked_words_are_refused_wherever_they_are_written(
    house: House, what: Recipe
) -> None:
    """In the prompt, in what to avoid, in the hidden message; disguised or not."""
    await _block(house, "bad")

    await _refused(house, what)


async def test_other_words_and_other_servers_are_free(house: House) -> None:
    """Also words that only contain a blocked one."""
    await _block(house, "bad")

    assert (await house.ask(what=recipe("a badger"))).new
    assert (await house.ask(requester(guild_id=OTHER), recipe("a bad fox"))).new


async def test_a_refusal_names_the_members_own_words_and_not_the_list(house: House) -> None:
    """Who wrote them by accident learns which; nobody learns what else is blocked."""
    await _block(house, "b*d", "worse")

    text = await _refused(house, recipe("a fox, b\u200bra\u0301d and worse"))

    assert "`brad" in text or "`bra\u0301d`" in text
    assert "b*d" not in text
    assert "worse" not in text


async def test_a_refusal_for_words_costs_no_fetch(house: House) -> None:
    """A picture is fetched only for what may become a job, once the list is known."""
    house.world.files.files[URL] = b"png"
    await _block(house, "bad")
    await _refused(house, recipe("a bad fox"))

    await _refused(house, recipe("a bad fox", picture(URL)))

    assert house.world.files.fetched == []


async def test_a_changed_list_holds_from_its_commit_on(house: House) -> None:
    """Both ways, for lists that were matched against before."""
    for phrases, allowed in (("bad",), False), ((), True), (("fox",), False), (("bee",), True):
        await _block(house, *phrases)
        if allowed:
            await house.ask(what=recipe("a bad fox"), answer=False)
        else:
            with pytest.raises(NotAllowed):
                await house.ask(what=recipe("a bad fox"))


async def _changed_meanwhile(
    house: House, phrase: str, then: Then, asking: Callable[[], list[asyncio.Task[Taken]]]
) -> list[Taken | BaseException]:
    """What becomes of requests that were matched by the old list, and wait for a transaction in
    which one more phrase is listed.
    """
    await _block(house, "harmless")
    await house.ask(what=recipe("so that the list is known"))
    act = Act(GUILD, 900, START)
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        async with house.database.transaction() as tx:
            entered.set()
            await go_on.wait()
            await within(tx, lambda sync: words.add(sync, act, phrase, then))

    changing = asyncio.create_task(change())
    await entered.wait()
    tasks = asking()
    await asyncio.sleep(0.02)
    go_on.set()
    await changing
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_change_between_match_and_commit_lets_nothing_through(house: House) -> None:
    """The request was matched by the old list, and waits for a transaction in which the list is
    changed: it is matched again.
    """

    def ask() -> list[asyncio.Task[Taken]]:
        return [asyncio.create_task(house.ask(what=recipe("a bad fox"))) for _ in range(20)]

    results = await _changed_meanwhile(house, "bad", Then.REFUSE, ask)

    assert {type(result) for result in results} == {NotAllowed}
    assert len(await jobs.unfinished(house.database)) == 1


async def test_a_first_look_after_a_restart_is_by_the_list(open_house: OpenHouse) -> None:
    """Nothing is known of it then but what is written down."""
    house = await open_house()
    await _block(house, "bad")

    house = await open_house()

    await _refused(house, recipe("a bad fox"))


async def test_many_lists_changing_while_many_ask_let_nothing_through(house: House) -> None:
    """Whoever is taken was allowed by the list of that commit."""

    async def churn() -> None:
        for number in range(30):
            await _block(house, "bad", f"phrase {number}")

    async def ask(number: int) -> bool:
        await asyncio.sleep(number / 2000)
        try:
            await house.ask(requester(number), recipe("a bad fox"), answer=False)
        except NotAllowed:
            return False
        return True

    await _block(house, "bad")
    results = await asyncio.gather(churn(), *(ask(number) for number in range(60)))

    assert not any(results[1:])
    assert await jobs.unfinished(house.database) == []


@pytest.mark.parametrize(
    "what",
    [
        recipe("a fox"),
        recipe("a f0x"),
        recipe("a dog -neg f.o.x"),
        Recipe(Verb.ENCRYPT_TEXT, "a dog", message="FOX"),
    ],
)
async def test_words_to_look_at_mark_the_job_wherever_they_are_written(
    house: House, what: Recipe
) -> None:
    """It is taken, and what it was marked for is committed with it."""
    await _block(house, "fox", then=Then.REVIEW)

    job = (await house.ask(what=what)).job
    assert job.mark is (await house.job(job.id)).mark is Mark.FLAGGED
    other = (await house.ask(requester(2), recipe("a dog"))).job
    assert other.mark is (await house.job(other.id)).mark is None


async def test_a_change_between_match_and_commit_leaves_nothing_unmarked(house: House) -> None:
    """The list that is committed with the job marks it, as one that refuses would refuse it."""

    def ask() -> list[asyncio.Task[Taken]]:
        return [asyncio.create_task(house.ask(requester(2), recipe("a red fox")))]

    (taken,) = await _changed_meanwhile(house, "fox", Then.REVIEW, ask)

    assert isinstance(taken, Taken)
    assert (await house.job(taken.job.id)).mark is Mark.FLAGGED
