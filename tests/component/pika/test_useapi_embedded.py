"""The client against the embedded Pika API, which shares no code with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bot.media import AllowedHosts, Fetcher, check_video
from bot.model import Picture, PikaReport, PikaStatus, Recipe, Verb
from bot.pika import (
    AccountProblem,
    BadFlag,
    Busy,
    Garbled,
    Gone,
    Moderated,
    NoAnswer,
    NotSent,
    PikaError,
    Refused,
    Unavailable,
    UseApi,
)
from bot.sandbox.pika import EmbeddedPika, PikaFault


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedPika]:
    """An API whose jobs wait until they are finished by the test."""
    async with EmbeddedPika(instant=True) as running:
        running.pause()
        yield running
        assert running.violations == []


@pytest.fixture
async def client(server: EmbeddedPika) -> AsyncIterator[UseApi]:
    """A client of it."""
    made = UseApi(
        base_url=server.api_url,
        token=server.token,
        channel=None,
        discord_token=None,
        max_jobs=2,
        timeout=0.4,
    )
    yield made
    await made.aclose()


@pytest.fixture
def real_picture(tmp_path: Path) -> Picture:
    """A PNG that is one."""
    path = tmp_path / "stored.png"
    Image.new("RGB", (64, 48), "orange").save(path)
    return Picture("fox.png", "image/png", path.stat().st_size, path=path)


async def _submit(client: UseApi, recipe: Recipe, ref: str = "reference-1") -> PikaReport:
    return await client.submit(recipe, reply_ref=ref, reply_url=None)


@pytest.mark.parametrize("verb", list(Verb))
async def test_every_verb_is_taken(
    server: EmbeddedPika, client: UseApi, real_picture: Picture, verb: Verb
) -> None:
    """A strict reading of the documents finds nothing wrong with our requests."""
    recipe = Recipe(
        verb,
        "fox runs -ar 16:9",
        message="HELLO" if verb is Verb.ENCRYPT_TEXT else None,
        image=real_picture,
        message_image=real_picture if verb is Verb.ENCRYPT_IMAGE else None,
    )
    report = await _submit(client, recipe)
    assert report.status is PikaStatus.WORKING
    assert report.reply_ref == "reference-1"
    job = server.jobs[report.pika_id]
    assert (job.verb, job.prompt) == (f"pika-{verb}", "fox runs -ar 16:9")
    assert job.image is not None
    assert real_picture.path is not None
    assert job.image.data == real_picture.path.read_bytes()


async def test_from_the_submit_to_the_file(
    server: EmbeddedPika, client: UseApi, fox: Recipe, tmp_path: Path
) -> None:
    """Taken, listed, finished, read, fetched, checked: the whole way of a video."""
    accepted = await _submit(client, fox)
    assert await client.executing() == {accepted.pika_id}
    assert (await client.report(accepted.pika_id)).status is PikaStatus.WORKING
    await server.finish(accepted.pika_id)
    assert await client.executing() == frozenset()
    report = await client.report(accepted.pika_id)
    assert report.status is PikaStatus.COMPLETED
    assert report.video_url is not None
    hosts = AllowedHosts.of(api_urls=[server.api_url])
    async with Fetcher(hosts=hosts, temp_dir=tmp_path) as fetcher:
        file = await fetcher.fetch(report.video_url, Path("fox.mp4"), limit=10_000_000)
    assert file.sha256 == server.jobs[accepted.pika_id].video_sha256
    assert (await check_video(file.path)).extension == ".mp4"


async def test_again_and_cancel(server: EmbeddedPika, client: UseApi, fox: Recipe) -> None:
    """A retry is a new job; cancelling frees its slot."""
    first = await _submit(client, fox)
    await server.finish(first.pika_id)
    second = await client.again(first.pika_id, "retry", reply_ref="reference-2", reply_url=None)
    assert second.pika_id != first.pika_id
    assert (await client.cancel(second.pika_id)).status is PikaStatus.CANCELLED
    assert await client.executing() == frozenset()
    with pytest.raises(Refused):
        await client.again("no-such-job", "retry", reply_ref="reference-3", reply_url=None)
    with pytest.raises(Gone):
        await client.cancel("no-such-job")


async def test_refusals(server: EmbeddedPika, client: UseApi, fox: Recipe) -> None:
    """Moderation, an unknown option, a full queue, a wrong token, no subscription."""
    with pytest.raises(Moderated) as moderated:
        await _submit(client, Recipe(Verb.CREATE, "nsfw fox"))
    assert moderated.value.pika_id in server.jobs
    with pytest.raises(BadFlag) as bad_flag:
        await _submit(client, Recipe(Verb.CREATE, "fox -size 100"))
    assert bad_flag.value.flags == ("size",)
    names = {(await _submit(client, fox, f"reference-{n}")).pika_id for n in range(2)}
    with pytest.raises(Busy) as full:
        await _submit(client, fox)
    assert (full.value.code, set(full.value.executing)) == ("queue_full", names)
    server.subscription = False
    with pytest.raises(AccountProblem) as unpaid:
        await client.executing()
    assert unpaid.value.code == "no_subscription"
    server.token = "user:2-another"
    with pytest.raises(AccountProblem) as stranger:
        await _submit(client, fox)
    assert stranger.value.code == "unauthorized"


async def test_accounts(server: EmbeddedPika, client: UseApi) -> None:
    """Channels and limits, no tokens."""
    found = await client.account()
    assert [account.channel for account in found.channels] == list(server.accounts)
    for account in server.accounts.values():
        assert account.discord not in repr(found)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "taken"),
    [
        (PikaFault("submit", "rate_limited", retry_after=11), Busy, "discord_busy", 0),
        (PikaFault("submit", "status", status=500), NoAnswer, "server_error", 0),
        (PikaFault("submit", "status", status=504, took=True), NoAnswer, "untracked", 1),
        (PikaFault("submit", "status", status=596), AccountProblem, "account_error", 0),
        (PikaFault("submit", "not_json"), Garbled, "garbled", 0),
        (PikaFault("submit", "missing_fields"), Garbled, "garbled", 1),
        (PikaFault("submit", "truncated"), Garbled, "garbled", 1),
        (PikaFault("submit", "hang"), NoAnswer, "timeout", 0),
        (PikaFault("submit", "hang", took=True), NoAnswer, "timeout", 1),
        (PikaFault("submit", "drop_before"), NoAnswer, "no_answer", 0),
        (PikaFault("submit", "drop_after"), NoAnswer, "no_answer", 1),
    ],
)
async def test_faults_of_a_submit(
    server: EmbeddedPika,
    client: UseApi,
    fox: Recipe,
    fault: PikaFault,
    kind: type[PikaError],
    code: str,
    taken: int,
) -> None:
    """Whatever happened, the client asked once and says whether it may be asked again."""
    server.faults.add(fault)
    with pytest.raises(PikaError) as caught:
        await _submit(client, fox)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(server.accepted) == taken
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        PikaFault("read", "status", status=500),
        PikaFault("read", "rate_limited"),
        PikaFault("read", "not_json"),
        PikaFault("read", "missing_fields"),
        PikaFault("read", "truncated"),
        PikaFault("read", "drop_before"),
    ],
    ids=lambda fault: fault.kind,
)
async def test_faults_of_a_read(
    server: EmbeddedPika, client: UseApi, fox: Recipe, fault: PikaFault
) -> None:
    """Read again, and it is there."""
    job = await _submit(client, fox)
    server.faults.add(fault)
    with pytest.raises(Unavailable):
        await client.report(job.pika_id)
    assert (await client.report(job.pika_id)).status is PikaStatus.WORKING


async def test_unplugged(server: EmbeddedPika, client: UseApi, fox: Recipe) -> None:
    """While the API is down nothing is sent; when it is back, everything goes on."""
    await server.unplug()
    with pytest.raises(NotSent):
        await _submit(client, fox)
    with pytest.raises(Unavailable):
        await client.executing()
    await server.plug()
    assert (await _submit(client, fox)).status is PikaStatus.WORKING


async def test_more_jobs_than_a_channel_can(server: EmbeddedPika, fox: Recipe) -> None:
    """The API takes 1 to 10 as ``maxJobs``; a larger sum of ours is no error of the request."""
    made = UseApi(
        base_url=server.api_url + "/",
        token=server.token,
        channel=next(iter(server.accounts)),
        discord_token=None,
        max_jobs=25,
        transport=httpx.AsyncHTTPTransport(),
    )
    report = await _submit(made, fox)
    await made.aclose()
    assert server.jobs[report.pika_id].max_jobs == 10
