"""Pika calls back: lost, twice, early, late, in any order, and not Pika at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import pytest_asyncio

from bot.callbacks import BODY_LIMIT
from bot.sandbox.discord import Message
from bot.sandbox.pika import PikaFault, PikaJob
from tests.e2e.conftest import OpenScene, Shared
from tests.e2e.town import Scene, number
from tests.ports import free_port


def called_back(**more: object) -> dict[str, str]:
    """Settings with which the bot is called back, on a port of its own."""
    port = free_port()
    own = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "HTTP_PORT": port}
    return {name: str(value) for name, value in (own | more).items()}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[Shared]:
    """A town whose bot is called back, and does not poll while a test lasts."""
    module = SimpleNamespace(SETTINGS=called_back(PIKA_POLL_SECONDS=600))
    mine = Shared(tmp_path_factory.mktemp("shared"), openapi, module)
    try:
        yield mine
        await mine.end()
    finally:
        await mine.abandon()


async def once(scene: Scene, card: Message) -> None:
    """The video is there once, its credit is spent, and Pika was asked once for it."""
    await scene.delivered(card)
    job = scene.job(card)
    assert scene.hold(card) == "charged"
    assert job["attempt"] == 1
    assert len(scene.pika.by_ref(job["reply_ref"])) == 1
    assert scene.history(card).count("delivering") == 1


async def at_pika(scene: Scene, card: Message) -> PikaJob:
    """Pika's job of a card, whatever the bot knows of it."""
    await scene.until(lambda: scene.pika.by_ref(str(scene.job(card)["reply_ref"])))
    (job,) = scene.pika.by_ref(scene.job(card)["reply_ref"])
    return job


async def test_a_call_is_enough_however_it_comes(scene: Scene) -> None:
    """Once, twice, before the answer to the POST, and for the second job before the first: each
    video comes once, and nobody polls.
    """
    scene.pika.faults.add(PikaFault("callback", "early"), PikaFault("callback", "twice"))
    for card in [await scene.card(prompt=prompt) for prompt in ("early", "twice")]:
        await once(scene, card)

    scene.pika.pause()
    scene.pika.faults.add(PikaFault("callback", "lost", times=2))
    cards = [await scene.card(prompt=prompt) for prompt in ("first", "second")]
    jobs = []
    for card in cards:
        await scene.state(card, "rendering")
        jobs.append(await at_pika(scene, card))
    await scene.pika.call_back(jobs[0].jobid)  # it has not ended: nothing comes of it
    for job in jobs:
        await scene.pika.finish(job.jobid)
    for card, job in zip(reversed(cards), reversed(jobs), strict=True):
        assert (await scene.pika.call_back(job.jobid)).status == 200
        await once(scene, card)
    for job in jobs:
        await scene.pika.call_back(job.jobid)
    await once(scene, cards[0])
    assert [seen for seen in scene.pika.requests if seen.endpoint == "jobs"] == []


async def test_what_finished_before_anyone_asked_is_found_by_its_call(scene: Scene) -> None:
    """The connection broke, or the API said 504, and the video was ready at once: no list ever
    shows the job. The callback names it, Pika's own answer proves it.
    """
    scene.pika.script(seconds=0, times=2)
    scene.pika.faults.add(
        PikaFault("create", "drop_after"), PikaFault("create", "status", status=504, took=True)
    )
    cards = [await scene.card(prompt=prompt) for prompt in ("dropped", "504")]
    for card in cards:
        await once(scene, card)
        assert scene.logged(f"[job {number(card)}]", "nobody knows whether Pika took it")


async def test_forged_calls_change_nothing(scene: Scene) -> None:
    """Strange references, huge bodies, somebody else's job, garbage: the same answer for all, and
    the job goes its way.
    """
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("callback", "lost", times=None))
    mine, other = await scene.card(prompt="mine"), await scene.card(prompt="other", who=scene.bob)
    await scene.state(mine, "rendering")
    await scene.state(other, "rendering")
    job, others = await at_pika(scene, mine), await at_pika(scene, other)
    assert job.reply_url is not None
    url, reference = job.reply_url.rpartition("/")[0], str(job.reply_ref)
    await scene.pika.finish(others.jobid)
    before = scene.job(mine)
    async with httpx.AsyncClient(trust_env=False) as stranger:
        answers = [
            await stranger.post(f"{url}/{path}", json={"jobid": jobid, "status": "completed"})
            for path, jobid in (
                ("u" * 32, others.jobid),  # nobody's reference
                (reference[:-1], others.jobid),
                ("..%2F" + reference, others.jobid),
                (reference, others.jobid),  # ours, and another member's job, which is ready
                (reference, "' OR 1=1 --"),
                (reference, "no-such-job"),
                (reference, {"$gt": ""}),
            )
        ]
        huge = await stranger.post(f"{url}/{reference}", content=b"x" * (BODY_LIMIT + 1))
    told = {
        (one.status_code, one.text, str(sorted(set(one.headers) - {"date"}))) for one in answers
    }
    assert len(told) == 1
    assert huge.status_code == 413
    await scene.until(lambda: len([r for r in scene.pika.requests if r.endpoint == "job"]) >= 1)
    assert {name: scene.job(mine)[name] for name in ("state", "pika_id", "code")} == {
        name: before[name] for name in ("state", "pika_id", "code")
    }
    assert scene.job(other)["state"] == "rendering", "a call for one job moved another"

    scene.pika.resume()
    await scene.pika.wait_for(lambda: job.status == "completed")
    for one, card in ((job, mine), (others, other)):
        await scene.pika.call_back(one.jobid)
        await once(scene, card)


async def test_a_call_for_a_doubted_job_that_names_another_finds_our_own(scene: Scene) -> None:
    """Our reference, a stranger's job: it is not believed. The list shows which one is ours."""
    scene.pika.pause()
    other = await scene.card(prompt="other", who=scene.bob)
    await scene.state(other, "rendering")
    scene.pika.faults.add(PikaFault("create", "drop_after"))
    card = await scene.card()
    await scene.state(card, "in_doubt")
    job, others = await at_pika(scene, card), await at_pika(scene, other)
    async with httpx.AsyncClient(trust_env=False) as stranger:
        await stranger.post(str(job.reply_url), json={"jobid": others.jobid})
    assert (await scene.state(card, "rendering"))["pika_id"] == job.jobid
    assert scene.logged("a callback named a job that is not the one it was for")
    scene.pika.resume()
    for one in (card, other):
        await once(scene, one)


async def test_polling_is_the_safety_net_and_a_late_call_still_delivers(
    open_scene: OpenScene,
) -> None:
    """A call that never comes is no loss. And a job that ended as unknown, of which Pika calls an
    hour later: told as "no video, not charged", then delivered once, charged, and explained.
    """
    scene = await open_scene(**called_back())
    scene.pika.faults.add(PikaFault("callback", "lost", times=None))
    await once(scene, await scene.card())

    scene.pika.script(seconds=0)
    scene.pika.faults.add(PikaFault("create", "status", status=504, took=True))
    card = await scene.card()
    notice = await scene.notice(card)
    assert "You were not charged" in notice.content
    await scene.says_on(card, "Pika never said whether it took this job", "you were not charged")
    assert (scene.hold(card), await scene.left()) == ("released", 4)

    job = await at_pika(scene, card)
    for _ in range(2):
        assert (await scene.pika.call_back(job.jobid)).status == 200
    await once(scene, card)
    await scene.pika.call_back(job.jobid)
    await once(scene, card)
    assert await scene.left() == 3
    result = await scene.result(card)
    assert "This came after I had told you that there would be no video." in result.content
    assert "1 credit was charged" in result.content
    assert result.mentions == [scene.alice.user]
    assert scene.job(card)["code"] == "late"
