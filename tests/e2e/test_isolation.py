"""Every command, button, select and form, with the ids of a server, by those who may not.

What there is to try comes from the bot itself. Whatever is new is tried as everything else is; what
the sweep does not know how to try fails it: then teach ``trying`` or ``surface`` how.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import discord
import pytest
import pytest_asyncio

from bot.sandbox.discord.messages import walk
from tests.e2e import surface
from tests.e2e.conftest import Shared, mend
from tests.e2e.isolating import EVERYBODY, HERE, Walls
from tests.e2e.surface import Control
from tests.e2e.test_moderation import NOTHING_HERE


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def walls(shared: Shared) -> AsyncIterator[Walls]:
    """Built once, as nothing that is tried may change it."""
    town = await shared.town()
    mine = Walls(town)
    await mine.build()
    yield mine
    mend(town)
    await mine.end()
    await mine.scene.check(stop=False)


@pytest.mark.parametrize("name", EVERYBODY)
async def test_nothing_is_told_or_changed(walls: Walls, name: str) -> None:
    """About what is there, what is not, and what is gone the words are the same, and nothing in
    the server is different afterwards. Who may not use a command meets the same refusal whatever
    they fill in.
    """
    by, before = walls.attackers[name], walls.state()
    said: dict[str, set[str]] = defaultdict(set)
    for one in walls.tries:
        missing = await one.act(by, walls.nobodys)
        said[one.whole].add(missing)
        assert walls.tells(missing) == [], (one.what, missing)
        for names in one.about_each(walls.theirs):
            answer = await one.act(by, names)
            assert walls.tells(answer) == [], (one.what, answer)
            if not (one.open and name in HERE):
                assert names.masked(answer) == walls.nobodys.masked(missing), one.what
        if one.closed or (one.governing and not by.governs):
            assert missing in walls.nobodys.missing(), (one.what, missing)
    assert by.governs or [what for what, answers in said.items() if len(answers) > 1] == []
    assert walls.changes(before) == []


@pytest.mark.parametrize("name", EVERYBODY)
async def test_what_nobody_knows_is_not_there(walls: Walls, name: str) -> None:
    """Pages and controls that there are not, and numbers as large as ids take them."""
    by = walls.attackers[name]
    for custom_id in ("settings:nowhere:open", "setup:summary:nothing", "settings:asking:check"):
        assert await by.control(Control(custom_id), walls.nobodys) == NOTHING_HERE
    huge = replace(walls.nobodys, job=10**18 - 1)
    for one in walls.tries:
        if one.closed:
            assert await one.act(by, huge) in huge.missing(), one.what


async def test_whatever_people_can_use_is_registered(walls: Walls) -> None:
    """So that it was tried: no other form or view is made, and nothing in any message had an id
    that these tests do not know.
    """
    assert surface.of_kind(discord.ui.Modal) == set()
    assert surface.of_kind(discord.ui.View) | surface.of_kind(discord.ui.LayoutView) == {"Panel"}
    sent = [request.json for request in walls.scene.discord.requests]
    found = {one for body in sent if isinstance(body, dict) for one in _ids(body)}
    assert len(found) > 50
    assert [one for one in found if not walls.registered.hears(one)] == []


def _ids(body: dict[str, Any]) -> list[str]:
    """The ids of controls in a message that was sent, and of forms; not of a form's fields."""
    data = body.get("data") or body
    if body.get("type") == 9:
        return [data["custom_id"]]
    return [one["custom_id"] for one in walk(data.get("components") or []) if "custom_id" in one]


async def test_whoever_may_does_all_of_it(walls: Walls) -> None:
    """The same tries, by the server's moderator and by whoever asked for its videos: none of them
    is answered as if nothing was there. This is the last, as it changes the server.
    """
    missing = set[str]().union(*(names.missing() for names in walls.theirs))
    for one in walls.tries:
        if one.closed or one.governing or one.open:
            each = one.about_each(walls.theirs) or walls.theirs[:1]
            answers = {await one.act(by, names) for by in walls.rightful for names in each}
            assert not answers <= missing, (one.what, answers)
