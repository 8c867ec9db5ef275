"""A finished video that is no longer on our disk: fetched again, or honestly called lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Expired, Unreachable, Unusable
from bot.model import DeliveryKind, DeliveryState, Job, JobState, PikaStatus
from bot.pika.errors import AccountProblem, PikaError, Unavailable
from bot.ui.cards import notice_text, status_line
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.delivery.restoring import PATIENCE_MS, PAUSE
from tests.fakes import House, PostedUnheard

S, K = JobState, DeliveryKind
HOUR = 3600.0


async def _lost_file(house: House) -> Job:
    """A job whose video was on our disk, and is there no more."""
    job = await house.delivering()
    assert job.video_path is not None
    job.video_path.unlink()
    return job


def _url(house: House, job: Job) -> str:
    url = house.pika.jobs[job.pika_id or ""].video_url
    assert url is not None
    return url


async def _steps(house: House, count: int = 3) -> None:
    for _ in range(count):
        await house.deliver()
        house.clock.move(PAUSE)


async def _told_lost(house: House, job: Job) -> None:
    """The member reads it, and gets the credit back; nothing was tried elsewhere."""
    await house.deliver()
    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "lost")
    assert await house.hold(job.id) == "released"
    assert await house.used() == 0
    assert house.discord.of(job.id, K.RESULT) == []
    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    assert (await house.messages(job.id))[K.RESULT].state is DeliveryState.UNDELIVERABLE
    assert "lost the finished video" in notice_text(job)
    assert "You were not charged" in notice_text(job)
    assert "not charged" in status_line(job, Outlook())
    assert {place for place, kind in house.discord.tried if kind is K.RESULT} == {200}


async def test_a_video_whose_file_is_missing_is_fetched_again(house: House) -> None:
    """It was told as one that could not be posted anywhere, after every place was tried."""
    job = await _lost_file(house)
    await _steps(house)

    assert await house.state(job.id) is S.DELIVERED
    (result,) = house.discord.of(job.id, K.RESULT)
    assert result.had_video
    assert result.channel_id == 200
    assert await house.hold(job.id) == "charged"


async def test_a_video_that_is_found_elsewhere_is_posted_from_there(
    house: House, tmp_path: Path
) -> None:
    """The data directory was moved: the path of before leads nowhere."""
    job = await _lost_file(house)
    async with house.database.transaction() as tx:
        await tx.execute("UPDATE job SET video_path = ?", [str(tmp_path / "gone" / "1.mp4")])
    await _steps(house)

    assert await house.state(job.id) is S.DELIVERED
    assert list((house.world.folder / "videos").iterdir()) == []


async def test_one_that_must_be_made_smaller_is_fetched_again_first(house: House) -> None:
    """Without it there was nothing to encode, and only a link was posted."""
    job = await house.delivering()
    house.uploads.hint(100, len(house.world.video) - 1)
    await house.deliver()
    assert job.video_path is not None
    job.video_path.unlink()
    await _steps(house, 1)

    assert len(house.world.files.fetched) == 2
    assert job.video_path.exists() or await house.state(job.id) is S.DELIVERED


@pytest.mark.parametrize(
    "trouble",
    [Unavailable("503"), AccountProblem("no"), Expired("403"), Unreachable("timeout")],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_while_pika_cannot_be_asked_the_video_is_waited_for(
    house: House, trouble: PikaError | Exception
) -> None:
    """For a day; then it is given up, as Pika's links are dead by then."""
    job = await _lost_file(house)
    if isinstance(trouble, PikaError):
        house.pika.read_errors[job.pika_id or ""] = trouble
    else:
        house.world.files.files[_url(house, job)] = trouble
    await _steps(house)
    house.clock.move(PATIENCE_MS / 1000 - HOUR)
    await _steps(house)
    assert await house.state(job.id) is S.DELIVERING

    house.clock.move(HOUR)
    await _steps(house)
    await _told_lost(house, job)


async def test_after_the_trouble_the_video_is_posted(house: House) -> None:
    """Once."""
    job = await _lost_file(house)
    house.pika.read_errors[job.pika_id or ""] = Unavailable("503")
    await _steps(house)
    del house.pika.read_errors[job.pika_id or ""]
    await _steps(house)

    assert await house.state(job.id) is S.DELIVERED
    assert len(house.discord.of(job.id, K.RESULT)) == 1


@pytest.mark.parametrize("why", ["forgotten", "failed", "no address", "unusable"])
async def test_a_video_that_pika_no_longer_has_is_lost_and_not_paid_for(
    house: House, why: str
) -> None:
    """Its own code, honest words, and the credit back: there is no video."""
    job = await _lost_file(house)
    name = job.pika_id or ""
    match why:
        case "forgotten":
            del house.pika.jobs[name]
        case "failed":
            house.pika.show(name, status=PikaStatus.FAILED)
        case "no address":
            house.pika.show(name, video_url=None)
        case _:
            house.world.files.files[_url(house, job)] = Unusable("no video")
    await house.deliver()

    await _told_lost(house, job)


async def test_a_smaller_copy_that_was_posted_unheard_is_not_called_lost(house: House) -> None:
    """Its files were gone when it was due again, and nobody looked whether it was posted: the
    member kept the video, got the credit back, and read that there was none.
    """
    job = await house.delivering()
    async with house.database.transaction() as tx:
        await tx.execute("UPDATE delivery SET fit = 9999 WHERE kind = 'result'")
    house.discord.outcomes.append(PostedUnheard())
    await house.deliver()
    assert len(house.discord.of(job.id, K.RESULT)) == 1
    for file in (house.world.folder / "videos").iterdir():
        file.unlink()
    del house.pika.jobs[job.pika_id or ""]
    house.clock.move(PAUSE)
    await _steps(house)

    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "charged"
    assert len(house.discord.of(job.id, K.RESULT)) == 1
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_a_link_needs_no_file(house: House) -> None:
    """Where only the link is posted, nobody asks for the video."""
    job = await _lost_file(house)
    async with house.database.transaction() as tx:
        await tx.execute("UPDATE delivery SET fit = 0 WHERE kind = 'result'")
    await _steps(house, 1)

    assert await house.state(job.id) is S.DELIVERED
    assert len(house.world.files.fetched) == 1
