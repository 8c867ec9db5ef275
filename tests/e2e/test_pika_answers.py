"""Every answer that Pika is known to give, and every way in which it can fail to give one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.sandbox.discord import Message
from bot.sandbox.pika import PikaFault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import DOUBT_SECONDS, Scene, number

UNHURRIED = {"PIKA_DOUBT_SECONDS": 3}
"""Settings where absence is to be proven: half of that may pass between two looks, and on a busy
machine 0.4 s do."""


async def failed(scene: Scene, card: Message, *words: str) -> None:
    """There is no video: card and notice say why, nothing was charged, the operator can read it."""
    await scene.says_on(card, "❌", *words, "you were not charged")
    assert card.buttons == []
    notice = await scene.notice(card)
    assert notice.content.startswith(f"{scene.alice.mention} Job {number(card)}: ")
    for word in (*words, "You were not charged."):
        assert word in notice.content
    assert notice.mentions == [scene.alice.user]
    assert notice.reference is not None
    assert notice.reference["message_id"] == str(card.id)
    assert scene.job(card)["state"] == "failed"
    assert scene.hold(card) == "released"
    assert await scene.left() == 5
    assert scene.logged(f"[job {number(card)}]", "failed")
    assert [m for m in scene.thread.messages if m.attachments] == []


async def delivered_once(scene: Scene, card: Message) -> None:
    """The video is there, one credit is spent, and Pika was asked for one video."""
    await scene.delivered(card)
    assert scene.hold(card) == "charged"
    assert await scene.left() == 4
    assert len(scene.accepted) == 1


# -- a clear no ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_refusal_is_told_in_pikas_words(scene: Scene, status: int) -> None:
    """400, 404 and a 422 of no known kind: the job ends, and Pika's sentence reaches the member."""
    scene.pika.faults.add(PikaFault("create", "status", status=status, error="no foxes please"))
    await failed(scene, await scene.card(), "Pika refused the request", "no foxes please")
    assert scene.accepted == []


async def test_moderation_is_told_as_such(scene: Scene) -> None:
    """422 because of what the prompt says."""
    card = await scene.card(prompt="a nsfw fox")
    await failed(scene, card, "Pika's moderation refused this prompt or picture")
    assert scene.accepted == []


async def test_an_unknown_flag_is_named(scene: Scene) -> None:
    """422 because of an option in the prompt: the member reads which one."""
    card = await scene.card(prompt="a fox -zoom 3")
    await failed(scene, card, "Pika does not know an option in the prompt", "zoom")
    assert scene.accepted == []


# -- not now ------------------------------------------------------------------------------------


async def test_a_full_queue_is_waited_for_in_order(open_scene: OpenScene) -> None:
    """429 with the jobs that fill the queue: nobody fails, nobody loses their place."""
    scene = await open_scene(PIKA_MAX_JOBS=1)
    scene.pika.faults.add(PikaFault("create", "queue_full", times=3, executing=("a", "b")))
    cards = [await scene.card(prompt=f"fox {n}") for n in range(3)]
    for card in cards:
        await scene.delivered(card)
    assert [job.prompt for job in scene.accepted] == ["fox 0", "fox 1", "fox 2"]
    assert scene.logged("Pika is busy (queue_full")
    assert {job["code"] for job in scene.jobs} == {None}


async def test_discords_own_limit_is_honoured_to_the_second(scene: Scene) -> None:
    """429 from behind Pika names its time in JSON inside a string; nothing is sent before."""
    began = len(scene.pika.requests)
    scene.pika.faults.add(PikaFault("create", "rate_limited", retry_after=1.2))
    card = await scene.card()
    await delivered_once(scene, card)
    posts = [seen for seen in scene.pika.requests[began:] if seen.endpoint == "create"]
    assert len(posts) == 2
    assert 1.2 <= posts[1].at - posts[0].at < 4
    assert scene.logged("Pika is busy (discord_busy)", "1.2 s")


async def test_a_wrong_token_stops_the_queue_until_it_works(scene: Scene) -> None:
    """401: all jobs are kept, the operator is told once, and it goes on by itself."""
    right = scene.pika.token
    scene.pika.token = "user:1000-anotherToken"
    cards = [await scene.card(prompt=f"fox {n}") for n in range(3)]
    await scene.until(lambda: len([r for r in scene.pika.requests if r.status == 401]) >= 4)
    assert scene.accepted == []
    scene.pika.token = right
    for card in cards:
        await scene.delivered(card)
    assert len(scene.accepted) == 3
    assert len(scene.logged("ERROR")) == 1
    assert scene.logged("ERROR", "unauthorized", "all jobs are kept")
    assert len(scene.logged("works again")) == 1


async def test_an_expired_subscription_stops_the_queue_until_it_is_paid(scene: Scene) -> None:
    """402 likewise, although the account itself can still be read."""
    began = len(scene.pika.requests)
    scene.pika.subscription = False
    cards = [await scene.card(prompt=f"fox {n}") for n in range(2)]
    await scene.until(lambda: [r.status for r in scene.pika.requests[began:]].count(402) >= 5)
    scene.pika.subscription = True
    for card in cards:
        await scene.delivered(card)
    assert len(scene.accepted) == 2
    assert len(scene.logged("ERROR")) == 1
    assert scene.logged("ERROR", "no_subscription", "all jobs are kept")
    posts = [r for r in scene.pika.requests[began:] if r.endpoint == "create"]
    assert len(posts) <= 4  # each job once, then something free is asked


@pytest.mark.parametrize("took", [True, False])
async def test_an_account_that_waits_for_a_human_is_told_once(
    open_scene: OpenScene, took: bool
) -> None:
    """596 may come before or after Pika took the job: the operator is told, Pika is asked, and
    there is one video.
    """
    scene = await open_scene(**UNHURRIED)
    if took:
        scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", "status", status=596, took=took))
    card = await scene.card()
    await scene.state(card, "in_doubt", "rendering", "delivered")
    if took:
        await scene.state(card, "rendering")
    scene.pika.resume()
    await delivered_once(scene, card)
    await scene.delivered(await scene.card())
    assert len(scene.logged("ERROR")) == 1
    assert scene.logged("ERROR", "account_error")
    assert len(scene.logged("works again")) == 1


async def test_a_pika_that_is_down_is_waited_for(scene: Scene) -> None:
    """No connection at all: certainly not sent, so it is sent when Pika is back."""
    await scene.pika.unplug()
    card = await scene.card()
    await scene.until(lambda: len(scene.logged("did not reach Pika")) >= 2)
    assert "in_doubt" not in scene.history(card)
    await scene.pika.plug()
    await delivered_once(scene, card)


# -- nobody knows -------------------------------------------------------------------------------

UNCLEAR: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "not JSON": {"kind": "not_json"},
    "dropped": {"kind": "drop_after"},
    "truncated": {"kind": "truncated"},
    "no jobid": {"kind": "missing_fields"},
}


@pytest.mark.parametrize("way", list(UNCLEAR))
async def test_a_job_that_pika_took_without_saying_so_is_found_again(
    scene: Scene, way: str
) -> None:
    """Whatever hid the answer, the job is found by its reference and never sent again."""
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", **UNCLEAR[way], took=True))
    card = await scene.card()
    await scene.state(card, "rendering")
    assert "in_doubt" in scene.history(card)
    assert scene.job(card)["pika_id"] == scene.accepted[0].jobid
    scene.pika.resume()
    await delivered_once(scene, card)
    assert scene.job(card)["attempt"] == 1
    line = f"[job {number(card)}]"
    assert scene.logged(line, "nobody knows whether Pika took it")
    assert scene.logged(line, "found at Pika")


async def test_jobs_that_pika_certainly_lacks_are_sent_again(open_scene: OpenScene) -> None:
    """5xx, no JSON, or a connection that breaks before Pika read anything: Pika was asked soon
    after and again after the grace time, and did not have them. Each second attempt is a video.
    """
    scene = await open_scene(**UNHURRIED)
    ways = [UNCLEAR[way] for way in ("500", "502", "503", "not JSON")]
    for way in (*ways, {"kind": "drop_before"}):
        scene.pika.faults.add(PikaFault("create", **way, took=False))
    cards = [await scene.card(prompt=f"fox {n}") for n in range(5)]
    for card in cards:
        await scene.delivered(card)
        assert "in_doubt" in scene.history(card)
        assert scene.job(card)["attempt"] == 2
    assert len(scene.accepted) == 5
    assert len({job.reply_ref for job in scene.accepted}) == 5
    assert len(scene.logged("proven not to be at Pika")) == 5
    assert await scene.left() == 0


async def test_a_pika_that_hangs_with_the_job_is_found_out(scene: Scene) -> None:
    """No answer until the connection breaks, and Pika has it: it is found."""
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", "hang", took=True))
    card = await scene.card()
    await scene.until(lambda: len(scene.accepted) == 1)
    await scene.pika.unplug()
    await scene.pika.plug()
    await scene.state(card, "rendering")
    scene.pika.resume()
    await delivered_once(scene, card)
    assert "in_doubt" in scene.history(card)


async def test_a_pika_that_hangs_without_the_job_costs_nothing(scene: Scene) -> None:
    """After a long silence a video could have been made and gone from the list: that it is not
    there proves nothing, so nothing is sent again, and the member gets the credit back.
    """
    scene.pika.faults.add(PikaFault("create", "hang"))
    card = await scene.card()
    sent = (await scene.state(card, "submitting"))["submitted_at"] / 1000
    await scene.until(lambda: scene.pika.clock.now() - sent > DOUBT_SECONDS / 2 + 0.05)
    await scene.pika.unplug()
    await scene.pika.plug()
    await failed(scene, card, "Pika never said whether it took this job")
    assert scene.accepted == []


async def test_a_job_nobody_can_tell_about_ends_without_a_charge(scene: Scene) -> None:
    """504 says that the API lost track of it: it is never sent again, and when Pika does not
    show it either the member gets the credit back. Not even when Pika took one of the two and
    finished it before anybody could look.
    """
    scene.pika.script(match="quick", seconds=0)
    cards = []
    for prompt, took in (("lost", False), ("quick", True)):
        scene.pika.faults.add(PikaFault("create", "status", status=504, took=took))
        cards.append(await scene.card(prompt=prompt))
        await scene.state(cards[-1], "in_doubt", "failed")  # it was this one's
    for card in cards:
        await scene.says_on(card, "❌")  # until the last one is over, it holds a credit
    for card in cards:
        await failed(scene, card, "Pika never said whether it took this job")
    assert len(scene.accepted) == 1


# -- taken, then --------------------------------------------------------------------------------


async def test_a_video_that_pika_cannot_make_is_not_charged(scene: Scene) -> None:
    """The job ends as failed at Pika; its sentence reaches the member."""
    scene.pika.script(outcome="failed", error="the kitchen is on fire")
    card = await scene.card()
    await failed(scene, card, "Pika could not make this video", "the kitchen is on fire")


async def test_moderation_may_come_late(scene: Scene) -> None:
    """Taken first, refused by the moderation afterwards."""
    scene.pika.script(outcome="moderated")
    await failed(scene, await scene.card(), "Pika's moderation refused this prompt or picture")


async def test_an_unknown_flag_may_be_found_late(scene: Scene) -> None:
    """The same status as moderation; only Pika's sentence tells them apart."""
    scene.pika.script(
        outcome="moderated",
        error="Invalid parameter",
        error_details="Unrecognized parameter(s): `zoom`",
    )
    await failed(scene, await scene.card(), "Pika does not know an option in the prompt", "zoom")


async def test_a_job_that_somebody_stopped_at_pika_is_not_charged(scene: Scene) -> None:
    """Cancelled at Pika, by nobody here."""
    scene.pika.pause()
    card = await scene.card()
    job = await scene.state(card, "rendering")
    async with httpx.AsyncClient(trust_env=False) as operator:
        await operator.get(
            f"{scene.pika.api_url}/jobs/cancel/",
            params={"jobid": job["pika_id"]},
            headers={"Authorization": f"Bearer {scene.pika.token}"},
        )
    await failed(scene, card, "The job was cancelled at Pika")


async def test_a_job_that_pika_forgot_is_not_charged(scene: Scene) -> None:
    """Pika says that there is no such job."""
    scene.pika.faults.add(
        PikaFault(
            "job",
            "body",
            times=None,
            status=404,
            body=b'{"error":"Unable to locate job","code":404}',
            content_type="application/json",
        )
    )
    await failed(scene, await scene.card(), "Pika no longer knows this job")


async def test_a_job_that_makes_no_progress_ends(open_scene: OpenScene) -> None:
    """Stuck for longer than PIKA_TIMEOUT_MINUTES: given up, not charged."""
    scene = await open_scene(PIKA_TIMEOUT_MINUTES=0.01)
    scene.pika.script(outcome="stuck", seconds=0.1)
    await failed(scene, await scene.card(), "Pika made no progress for too long")


@pytest.mark.parametrize("kind", ["truncated", "status", "not_json", "drop_before"])
async def test_without_a_job_list_each_job_is_read(scene: Scene, kind: Any) -> None:
    """The list may be cut off, missing or nonsense: every job is asked for by itself."""
    scene.pika.faults.add(PikaFault("jobs", kind, times=None))
    await delivered_once(scene, await scene.card())
    assert scene.logged("no job list")


@pytest.mark.parametrize("kind", ["truncated", "status", "not_json", "drop_before"])
async def test_a_read_that_fails_is_read_again(scene: Scene, kind: Any) -> None:
    """One bad answer about a job says nothing about the job."""
    scene.pika.faults.add(PikaFault("job", kind))
    await delivered_once(scene, await scene.card())
    assert scene.logged("cannot be read")  # by whoever asked first: the poller, or a search


async def test_attachments_may_come_later_than_the_state(scene: Scene) -> None:
    """Completed without a video is an answer half there: it is read again."""
    scene.pika.faults.add(PikaFault("job", "missing_fields", fields=("attachments",), times=2))
    await delivered_once(scene, await scene.card())


# -- the video ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["expired", "truncated", "drop_before", "no_length", "status"])
async def test_a_video_that_arrives_on_the_second_try_is_delivered(scene: Scene, kind: Any) -> None:
    """An expired link is read anew; a broken download is begun anew; no length is no problem."""
    scene.pika.faults.add(PikaFault("cdn", kind))
    await delivered_once(scene, await scene.card())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "wrong_type"}, "A web page came instead of a video"),
        ({"kind": "junk"}, "no video of a kind that can be posted"),
        (
            {"kind": "redirect", "location": "https://example.com/fox.mp4"},
            "may not be fetched from example.com",
        ),
        ({"kind": "redirect", "location": "http://10.0.0.1/fox.mp4"}, "may not be fetched from"),
    ],
    ids=["html", "junk", "elsewhere", "private"],
)
async def test_what_is_no_video_is_not_charged(
    scene: Scene, fault: dict[str, Any], words: str
) -> None:
    """A web page, noise, or an address where nothing may be fetched: told, and not charged."""
    scene.pika.faults.add(PikaFault("cdn", times=None, **fault))
    await failed(scene, await scene.card(), "What Pika sent is not a usable video", words)
    assert not list((scene.town.data / "videos").iterdir())


async def test_a_video_that_never_arrives_is_not_charged(open_scene: OpenScene) -> None:
    """The download breaks off every time: after the timeout the member is told."""
    scene = await open_scene(PIKA_TIMEOUT_MINUTES=0.01)
    scene.pika.faults.add(PikaFault("cdn", "truncated", times=None))
    await failed(scene, await scene.card(), "could not be fetched from Pika")
