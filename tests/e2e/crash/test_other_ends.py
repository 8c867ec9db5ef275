"""Never lost, never twice: asked to stop, started twice, or cut off from Discord."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from bot.demo.process import BotProcess
from bot.sandbox.discord import Fault, Permission
from bot.store.deliveries import SHOWN_EARLIER
from tests.e2e.crash.conftest import OpenRun, Together, list_points
from tests.e2e.crash.rig import LIVES, REJECTED_AT, Point, Run, check, live

pytestmark = pytest.mark.timeout(1800)

POST = "POST /api/v10/channels/{id}/messages"
CALLBACK = "POST /api/v10/interactions/{id}/{token}/callback"

STOPPED_AT = [
    ("create", f"commit delivery.state + delivery.shown = {SHOWN_EARLIER} + delivery.due_at"),
    ("create", "commit new fact"),
    ("animate", "file named in pictures"),
    ("create", "commit new job + new reservation + new delivery"),
    ("create", f"before {CALLBACK}"),
    ("slow", "commit job.state = submitting"),
    ("create", "before POST /v1/pika/create"),
    ("create", "after GET /attachments/….mp4"),
    ("animate", "file named in videos"),
    ("create", f"before {POST} with files"),
    ("cancelled_at_pika", "commit job.cancel_asked_at"),
    ("approved", f"before {POST} with files"),
    ("rejected", REJECTED_AT),
]
"""Moments at which something is half done."""


async def test_asked_to_stop_at_any_moment_it_ends_in_time_and_the_next_start_goes_on(
    open_run: OpenRun, together: Together, tmp_path: Path, everything: bool
) -> None:
    """SIGTERM is answered with exit code 0 within ten seconds, and no job is the worse for it.

    What this has found: a login under way that did not end, commands under way that found the
    database closed, a video that was begun to be posted when it was too late for it.
    """

    async def stopped_at(life: str, point: Point) -> None:
        run = open_run(life, ends=[point], sent=signal.SIGTERM)
        async with run:
            began = time.monotonic()
            ending = asyncio.create_task(_first_code(run))
            await live(run, LIVES[life])
            assert set(run.codes) == {0}
            assert run.died or point.is_of_the_moment
            assert await ending - began < 10  # from its very start, which is stricter

    chosen = [(life, Point(label)) for life, label in STOPPED_AT]
    if everything:
        points = await list_points(open_run, together, tmp_path)
        chosen = [(life, point) for life, passed in points.items() for point in passed]
        chosen = [(life, point) for life, point in chosen if point.label != "commit schema"]
    await together(
        {
            f"{life}, {point}": lambda life=life, point=point: stopped_at(life, point)
            for life, point in chosen
        }
    )


async def _first_code(run: Run) -> float:
    """When the first process had ended."""
    await run.until(lambda: run.codes)
    return time.monotonic()


async def test_of_two_processes_started_at_once_one_works(open_run: OpenRun) -> None:
    """One has the data directory, the other exits with 75 and says why."""
    run = open_run("create")
    try:
        loser = await run.start_two_at_once()
        assert await loser.stop() == 75
        assert complaints(loser) == [
            f"pika-bot: another instance holds the data directory {run.town.data}"
        ]
        await live(run, LIVES["create"])
        assert run.codes == [0]
    finally:
        await run.close()


async def test_a_second_process_cannot_harm_a_job_under_way(open_run: OpenRun) -> None:
    """A second start in the middle of a job, as by a hasty operator, changes nothing."""
    async with open_run("slow") as run:
        run.pika.script(match="a fox", outcome="slow", times=None)
        asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
        await run.heard(asked)
        await run.until(lambda: (run.job(asked) or {})["state"] == "rendering")
        second = await run.start_another()
        async with asyncio.timeout(20):
            await second.process.wait()
        assert await second.stop() == 75
        assert len(complaints(second)) == 1
        run.pika.finish(next(iter(run.pika.executing)))
        await run.rest()
        assert check(run, LIVES["slow"]) == ["delivered"]
        assert run.codes == [0]


def complaints(bot: BotProcess) -> list[str]:
    """What a process that will not run tells the operator."""
    return [line for line in bot.log().splitlines() if line.startswith("pika-bot: ")]


def cut_off_after(run: Run, *, files: bool) -> Fault:
    """Discord takes the next message, and its answer is lost."""
    return run.town.discord.faults.add(
        Fault(
            method="POST",
            route="/channels/{channel_id}/messages",
            drop="after",
            match=lambda request: bool(getattr(request, "files", [])) == files,
        )
    )


async def test_a_message_whose_answer_was_lost_is_not_posted_again(
    open_run: OpenRun, together: Together
) -> None:
    """Discord accepted the video or the notice and the connection broke: the next try finds it."""

    async def lost(life: str, *, files: bool) -> None:
        run = open_run(life)
        fault = cut_off_after(run, files=files)
        async with run:
            await live(run, LIVES[life])
            assert fault.used == 1

    await together(
        {
            "the video": lambda: lost("create", files=True),
            "the notice": lambda: lost("moderated", files=False),
        }
    )


async def test_a_lost_answer_is_recognised_by_its_nonce_where_looking_back_is_forbidden(
    open_run: OpenRun,
) -> None:
    """Without Read Message History nothing can be found; then Discord's nonce keeps it single."""
    run = open_run("create")
    fault = cut_off_after(run, files=True)
    async with run:
        asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
        await run.heard(asked)
        await run.until(lambda: run.pika.accepted)
        for role in run.guild.roles.values():
            role.revoke(Permission.READ_MESSAGE_HISTORY)
        await run.rest()
        assert fault.used == 1
        results = [message for message in run.messages() if message.attachments]
        assert len(results) == 1
        assert (run.job(asked) or {})["state"] == "delivered"


async def test_after_a_long_pause_our_own_message_is_found_by_what_it_says(
    open_run: OpenRun, together: Together
) -> None:
    """Killed before the post was noted and started only when Discord has forgotten the nonce:
    the bot looks back, finds its message, and posts no other.
    """

    async def forgotten(life: str, label: str) -> None:
        run = open_run(life, ends=[Point(label)])
        run.town.discord.world.nonce_window = -1.0
        async with run:
            await live(run, LIVES[life])
            assert run.died

    await together(
        {
            "the video": lambda: forgotten("create", f"after {POST} with files"),
            "the notice": lambda: forgotten("moderated", f"after {POST}"),
            "the card": lambda: forgotten("create", f"after {CALLBACK}"),
        }
    )


async def test_an_answer_that_discord_took_but_did_not_confirm_stays_the_only_card(
    open_run: OpenRun,
) -> None:
    """The card was shown, its confirmation lost: the second try learns that it is there."""
    run = open_run("create")
    fault = run.town.discord.faults.add(
        Fault(
            method="POST",
            route="/interactions/{interaction_id}/{interaction_token}/callback",
            drop="after",
        )
    )
    async with run:
        await live(run, LIVES["create"])
        assert fault.used == 1


# -- stories of mistakes that were found by killing at every point -------------------------------


async def test_files_that_a_kill_left_behind_are_deleted_by_the_next_start(
    open_run: OpenRun, together: Together
) -> None:
    """A picture whose command never became a job, and what a finished job needed, go."""

    async def left(life: str, label: str) -> None:
        async with open_run(life, ends=[Point(label)]) as run:
            await live(run, LIVES[life])
            assert run.died

    delivered = "commit delivery.state (result) + job.state = delivered"
    await together(
        {
            "the video": lambda: left("create", delivered),
            "a picture without a job": lambda: left("animate", "file named in pictures"),
            "a picture": lambda: left("animate", "file about to be deleted in pictures"),
        }
    )


async def test_a_card_that_was_found_again_is_brought_up_to_date(open_run: OpenRun) -> None:
    """Killed when the job was over but its card was not yet noted: the card that the next start
    finds still says "in the queue", and is rewritten.
    """
    cancelled = Point("commit reservation.state = released + job.state = cancelled")
    async with open_run("cancelled_in_the_queue", ends=[cancelled]) as run:
        await live(run, LIVES["cancelled_in_the_queue"])
        assert run.died


async def test_in_a_busy_channel_our_own_message_is_found(
    open_run: OpenRun,
) -> None:
    """Hundreds of messages came between the command and its video; the bot was killed when it
    had posted the video, and the nonce is forgotten.
    """
    run = open_run("slow", ends=[Point(f"after {POST} with files")])
    run.town.discord.world.nonce_window = -1.0
    async with run:
        run.pika.script(match="a fox", outcome="slow", times=None)
        asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
        await run.until(lambda: (run.job(asked) or {"state": ""})["state"] == "rendering")
        for number in range(300):
            run.thread.post(run.bob, f"nice weather {number}")
        run.pika.finish(next(iter(run.pika.executing)))
        await run.rest()
        assert check(run, LIVES["slow"]) == ["delivered"]
        assert run.died
