"""The messenger against the embedded Discord: what each of its answers means for a message."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bot.client import PikaBot
from bot.errors import Denied, TooLarge, TryLater
from bot.messenger import NOT_HERE_SECONDS, OUT_OF_ORDER_SECONDS, DiscordMessenger
from bot.model import Delivery, DeliveryKind, DeliveryState, Job, JobState, Removal, Requester
from bot.sandbox.discord import (
    EmbeddedDiscord,
    Fault,
    Member,
    Message,
    Permission,
    TextChannel,
    Thread,
)
from bot.ui.tokens import LIFE_MS, AnswerTokens
from bot.workflow.delivery.brake import Brake, Pace
from bot.workflow.delivery.careful import CarefulMessenger
from bot.workflow.delivery.closed import ClosedPlaces
from bot.workflow.delivery.messenger import Messenger, Outlook, ServerMessage
from tests.component.clients import client
from tests.fakes import START, MovableClock, a_job

MESSAGES = "/channels/{channel_id}/messages"
ANSWER = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
K = DeliveryKind


@dataclass
class Post:
    """A server with the embedded Discord, a logged-in bot and its messenger."""

    discord: EmbeddedDiscord
    bot: PikaBot
    messenger: Messenger
    careful: Messenger
    brake: Brake
    closed: ClosedPlaces
    tokens: AnswerTokens
    channel: TextChannel
    thread: Thread
    alice: Member

    def job(self, **values: Any) -> Job:
        """Alice's job in the thread."""
        who = Requester(
            request_key=self.discord.world.ids.next(),
            user_id=self.alice.id,
            guild_id=self.channel.guild.id,
            channel_id=self.thread.id,
            parent_id=self.channel.id,
        )
        over = {"job_id": 7, "state": JobState.FAILED, "code": "failed", "finished_at": START}
        return a_job(**{"requester": who, **over, **values})

    def delivery(self, kind: DeliveryKind = K.NOTICE, **values: Any) -> Delivery:
        """A message for the thread."""
        return Delivery(1, 7, kind, DeliveryState.PENDING, self.thread.id, **values)

    async def notice(self, messenger: Messenger | None = None) -> int:
        """Post a notice."""
        return await (messenger or self.messenger).post(
            self.job(), self.delivery(), Outlook(), reply_to=None
        )

    @property
    def posts(self) -> list[int]:
        """The statuses of the posts that came."""
        return [
            r.status for r in self.discord.requests if (r.method, r.route) == ("POST", MESSAGES)
        ]


@pytest.fixture
async def post(monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> AsyncIterator[Post]:
    """The bot is logged in; its gateway is not connected, as delivery needs none."""
    path = os.getenv("DISCORD_OPENAPI")
    async with EmbeddedDiscord(openapi=Path(path) if path else None) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
        guild = server.world.create_guild("Alpha")
        channel = guild.create_text_channel("general")
        alice = guild.join(server.world.create_user("alice"))
        tokens, brake, closed = AnswerTokens(clock), Brake(clock), ClosedPlaces(clock)
        bot = client(clock, brake=brake, closed=closed)
        await bot.login(server.token)
        messenger = DiscordMessenger(bot, tokens)
        thread = channel.create_thread("clips", owner=alice)
        yield Post(
            server, bot, messenger, CarefulMessenger(messenger, closed, brake), brake, closed,
            tokens, channel, thread, alice,
        )  # fmt: skip
        await bot.close()
        assert server.violations == []


LATER: dict[str, tuple[dict[str, Any], float]] = {
    "503": ({"status": 503}, OUT_OF_ORDER_SECONDS),
    "overloaded": ({"status": 503, "code": 130000}, OUT_OF_ORDER_SECONDS),
    "cut before": ({"drop": "before"}, 2),
    "cut after": ({"drop": "after"}, 2),
    "a ban that names a time": (
        {"status": 429, "via": False, "body": "error code: 1015", "headers": {"Retry-After": "37"}},
        37,
    ),
    "a ban that names none": (
        {"status": 429, "body": "<html>", "headers": {"Via": ""}},
        OUT_OF_ORDER_SECONDS,
    ),
    "a long wait": ({"status": 429, "retry_after": 61.5}, 61.5),
    "a long wait for all": ({"status": 429, "retry_after": 45.0, "scope": "global"}, 45),
    "a token not accepted now": ({"status": 401}, NOT_HERE_SECONDS),
    "a 403 of the proxy": ({"status": 403, "body": "<html>"}, NOT_HERE_SECONDS),
    "a blocked network": ({"status": 403, "code": 40333}, NOT_HERE_SECONDS),
}


@pytest.mark.parametrize("how", LATER)
async def test_what_says_nothing_of_the_place_is_tried_again_later(post: Post, how: str) -> None:
    """None of these sends a video to another place; Discord's own time is kept to."""
    fault, seconds = LATER[how]
    post.discord.faults.add(Fault("POST", MESSAGES, **fault))

    with pytest.raises(TryLater) as later:
        await post.notice()

    assert later.value.after == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, 10003),
        (403, 50001),
        (403, 50013),
        (403, 50007),
        (403, 50278),
        (400, 160005),
        (400, 200000),
        (404, 10008),
    ],
)
async def test_what_the_place_refuses_is_denied(post: Post, status: int, code: int) -> None:
    """Discord's code says why; it is asked once."""
    post.discord.faults.add(Fault("POST", MESSAGES, status=status, code=code))

    with pytest.raises(Denied) as denied:
        await post.notice()

    assert denied.value.code == code
    assert post.posts == [status]


@pytest.mark.parametrize(("status", "code"), [(413, 40005), (413, 0), (400, 50045)])
async def test_what_is_too_large_is_said_to_be(post: Post, status: int, code: int) -> None:
    """Whichever way Discord, or the proxy in front of it, puts it."""
    post.discord.faults.add(Fault("POST", MESSAGES, status=status, code=code))

    with pytest.raises(TooLarge):
        await post.notice()


@pytest.mark.parametrize("scope", ["user", "global", "shared"])
async def test_a_short_limit_is_waited_for(post: Post, scope: Any) -> None:
    """Of this route, of all or of many: the message comes after it, once."""
    post.discord.faults.add(Fault("POST", MESSAGES, status=429, retry_after=0.05, scope=scope))

    message_id = await post.notice()

    assert [message.id for message in post.thread.messages] == [message_id]
    assert post.posts == [429, 200]
    assert post.brake.invalid == (0 if scope == "shared" else 1)


async def test_a_nonce_that_discord_has_forgotten_makes_another_message(post: Post) -> None:
    """Within its window a repeated post is the first one; after it, only a look back helps."""
    job = post.job()
    first = await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None)
    again = await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None)
    assert again == first

    post.discord.clock.advance(3600)
    assert await post.messenger.find(job, post.delivery(attempts=1)) == first
    assert await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None) != first


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_no_message_is_sent_again_behind_our_back(post: Post, status: int) -> None:
    """Discord took a message and answered 504; discord.py sent it again by itself, up to four times
    within a quarter of a minute, the last time when its nonce was forgotten: it was there twice.
    Now whoever sends it again has looked for it.
    """
    post.discord.world.nonce_window = 0.5
    post.discord.faults.add(Fault("POST", MESSAGES, status=status, done=True))
    job = post.job()

    with pytest.raises(TryLater):
        await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None)

    (message,) = post.thread.messages
    assert post.posts == [200, status]  # what was done, and what was answered
    assert await post.messenger.find(job, post.delivery(attempts=1)) == message.id


async def test_what_is_not_a_message_is_asked_for_again_by_itself(post: Post) -> None:
    """An edit, a read: twice does no harm, and discord.py sees to it."""
    job = post.job(state=JobState.QUEUED)
    card = await post.messenger.post(job, post.delivery(K.CARD), Outlook(), reply_to=None)
    post.discord.faults.add(Fault("PATCH", status=502))
    await post.messenger.edit_card(job, post.delivery(K.CARD, message_id=card), Outlook())

    assert [r.status for r in post.discord.requests if r.method == "PATCH"] == [502, 200]


async def test_a_message_that_was_deleted_meanwhile_is_denied(post: Post) -> None:
    """Its nonce is still known: Discord answers "unknown message", and posts nothing."""
    job = post.job()
    await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None)
    post.discord.world.posting.delete(post.thread.messages[0])

    with pytest.raises(Denied) as denied:
        await post.messenger.post(job, post.delivery(), Outlook(), reply_to=None)

    assert denied.value.code == 10008
    assert post.thread.messages == []


# -- messages of a server ------------------------------------------------------------------


def _of_server(post: Post, text: str, number: int = 31) -> ServerMessage:
    now = int(post.discord.clock.now() * 1000)
    return ServerMessage(post.channel.guild.id, post.channel.id, number, text, now)


async def test_a_servers_message_is_one_however_often_it_is_posted(post: Post) -> None:
    """By its nonce for some minutes, by a look back among all that was said since, later."""
    message = _of_server(post, "first")
    first = await post.careful.announce(message)
    assert await post.careful.announce(message) == first
    assert await post.messenger.announce(_of_server(post, "second", 32)) != first

    post.discord.clock.advance(3600)
    for number in range(250):
        post.discord.world.posting.say(post.channel, post.alice.user, f"chat {number}\n-# Log 31")
    assert await post.careful.find_announced(message) == first
    assert await post.careful.find_announced(_of_server(post, "third", 3)) is None


async def test_a_servers_message_pings_nobody(post: Post) -> None:
    """Whatever it says."""
    await post.careful.announce(_of_server(post, f"<@{post.alice.id}> @everyone"))

    (message,) = post.channel.messages
    assert (message.mentions, message.mention_everyone) == ([], False)
    assert message.text == f"<@{post.alice.id}> @everyone\n-# Log 31"


async def test_a_log_channel_that_was_lost_costs_one_refusal(post: Post) -> None:
    """For posts and for looks, until its permissions change."""
    post.channel.set_overwrite(post.channel.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    for _ in range(20):
        with pytest.raises(Denied):
            await post.careful.announce(_of_server(post, "first"))
        with pytest.raises(Denied):
            await post.careful.find_announced(_of_server(post, "first"))

    assert post.discord.invalid_requests == 1


# -- the ban --------------------------------------------------------------------------------


async def test_every_invalid_answer_is_counted(post: Post) -> None:
    """Also those that discord.py sees to by itself."""
    for status, more in ((403, {"code": 50013}), (401, {}), (429, {"retry_after": 0.01})):
        post.discord.faults.add(Fault("POST", MESSAGES, status=status, **more))
        with suppress(Denied, TryLater):
            await post.notice()

    assert post.brake.invalid == post.discord.invalid_requests == 3


async def test_a_ban_stops_everything_at_once(post: Post, clock: MovableClock) -> None:
    """Each further request would make it longer: nothing is sent before its time is over."""
    post.discord.ban.limit, post.discord.ban.seconds = 1, 900.0
    post.discord.faults.add(Fault("POST", MESSAGES, status=403, code=50013))
    with pytest.raises(Denied):
        await post.notice(post.messenger)
    with pytest.raises(TryLater):
        await post.notice(post.messenger)
    assert post.brake.pace is Pace.STOPPED
    seen = len(post.discord.requests)
    for _ in range(5):
        with pytest.raises(TryLater) as later:
            await post.notice(post.careful)
    assert later.value.after == pytest.approx(900, abs=2)
    assert len(post.discord.requests) == seen

    post.discord.clock.advance(901)
    clock.move(901)
    assert await post.notice(post.careful)


async def test_a_lost_channel_costs_one_refusal(post: Post) -> None:
    """However often it is asked for, in whichever way."""
    card = await post.messenger.post(
        post.job(state=JobState.QUEUED), post.delivery(K.CARD), Outlook(), reply_to=None
    )
    post.channel.set_overwrite(post.channel.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    with pytest.raises(Denied):
        await post.notice(post.careful)
    for _ in range(20):
        with pytest.raises(Denied):
            await post.notice(post.careful)
        with pytest.raises(Denied):
            await post.careful.edit_card(
                post.job(), post.delivery(K.CARD, message_id=card), Outlook()
            )
        with pytest.raises(Denied):
            await post.careful.find(post.job(), post.delivery())

    assert post.discord.invalid_requests == 1


# -- the token of the command ---------------------------------------------------------------


async def _answered(post: Post) -> tuple[Delivery, Message]:
    """The card that answered a command, in a channel that the bot then lost."""
    await post.discord.commands_registered()
    invocation = await post.discord.invoke(post.alice, post.thread, "create", prompt="a fox")
    reply = {"type": 4, "data": {"content": "In the queue"}}
    address = f"{post.discord.api_url}/interactions/{invocation.id}/{invocation.token}/callback"
    async with aiohttp.ClientSession() as http, http.post(address, json=reply) as answer:
        assert answer.status == 204
    card = await invocation.answered()
    post.tokens.keep(7, invocation.token)
    post.channel.set_overwrite(post.channel.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    return post.delivery(K.CARD, message_id=card.id), card


async def test_a_card_in_a_lost_channel_is_rewritten_by_its_commands_token(post: Post) -> None:
    """The answer of a command may be changed whatever the bot may do there; the bot's own
    permission is asked for first, and once.
    """
    delivery, card = await _answered(post)
    for percent in (10, 20):
        running = post.job(state=JobState.RENDERING, finished_at=None, percent=percent)
        await post.careful.edit_card(running, delivery, Outlook())
        assert f"{percent} %" in card.text

    assert [button.label for button in card.buttons] == ["Cancel"]
    await post.careful.edit_card(post.job(), delivery, Outlook())
    assert "could not make this video" in card.text
    assert card.buttons == []
    assert post.discord.invalid_requests == 1


async def test_after_a_quarter_of_an_hour_the_token_is_not_used(
    post: Post, clock: MovableClock
) -> None:
    """It would be refused (50027), and that counts towards the ban."""
    delivery, card = await _answered(post)
    clock.move(LIFE_MS / 1000)
    post.discord.clock.advance(LIFE_MS / 1000)

    with pytest.raises(Denied) as denied:
        await post.careful.edit_card(post.job(), delivery, Outlook())

    assert denied.value.code == 50001
    assert not [seen for seen in post.discord.requests if seen.route == ANSWER]
    assert card.text == "In the queue"


async def test_a_token_that_died_early_is_no_reason_to_wait(post: Post) -> None:
    """Discord's clock is ahead of ours: the place's own refusal stands."""
    delivery, _ = await _answered(post)
    post.discord.clock.advance(16 * 60)

    with pytest.raises(Denied) as denied:
        await post.careful.edit_card(post.job(), delivery, Outlook())

    assert denied.value.code == 50001
    assert [seen.code for seen in post.discord.requests if seen.route == ANSWER] == [50027]


def test_tokens_are_few_and_silent(clock: MovableClock) -> None:
    """They are not shown, and those that are over are dropped."""
    tokens = AnswerTokens(clock)
    for job_id in range(100):
        tokens.keep(job_id, f"secret-{job_id}")
    clock.move(LIFE_MS / 1000)
    tokens.keep(100, "secret-100")

    assert repr(tokens) == "<1 tokens>"
    assert tokens.of(5) is None
    assert tokens.of(100) == "secret-100"


async def test_old_cards_are_rewritten_when_discord_allows_it(post: Post) -> None:
    """Edits of messages older than an hour are limited (30046): that is waited for."""
    post.discord.edits.count, post.discord.edits.seconds = 1, 0.1
    cards = []
    for number in (1, 2):
        card = Delivery(1, number, K.CARD, DeliveryState.PENDING, post.thread.id)
        job = post.job(job_id=number)
        cards.append(await post.messenger.post(job, card, Outlook(), reply_to=None))
    post.discord.clock.advance(3601)
    for card in cards:
        await post.messenger.edit_card(
            post.job(), post.delivery(K.CARD, message_id=card), Outlook()
        )
    post.discord.edits.seconds = 100.0
    with pytest.raises(TryLater) as later:
        await post.messenger.edit_card(
            post.job(), post.delivery(K.CARD, message_id=cards[0]), Outlook()
        )

    assert later.value.after == pytest.approx(100, abs=1)
    codes = [r.code for r in post.discord.requests if r.method == "PATCH"]
    assert codes == [None, 30046, None, 30046]


async def _posted(post: Post) -> Delivery:
    """A notice that stands in the thread."""
    message_id = await post.notice()
    return post.delivery(message_id=message_id)


async def test_a_message_is_deleted_once_and_one_that_is_gone_is_none_to_delete(post: Post) -> None:
    """So whoever heard nothing of it may ask again; also where all of the thread went."""
    delivery = await _posted(post)
    await post.careful.delete(post.job(), delivery)
    assert post.thread.messages == []
    await post.careful.delete(post.job(), delivery)
    post.thread.delete()
    await post.careful.delete(post.job(), delivery)
    assert [r.code for r in post.discord.requests if r.method == "DELETE"] == [None, 10008, 10003]


@pytest.mark.parametrize("name", list(LATER))
async def test_a_delete_that_discord_cannot_do_now_is_done_later(post: Post, name: str) -> None:
    """As for posts: the same pauses."""
    how, seconds = LATER[name]
    delivery = await _posted(post)
    post.discord.faults.add(Fault("DELETE", f"{MESSAGES}/{{message_id}}", times=None, **how))
    with pytest.raises(TryLater) as later:
        await post.messenger.delete(post.job(), delivery)
    assert later.value.after == pytest.approx(seconds, abs=1)


async def test_an_archived_thread_is_opened_to_delete_in_it(post: Post) -> None:
    """Whoever may write there may open it."""
    delivery = await _posted(post)
    post.thread.update(archived=True)
    await post.careful.delete(post.job(), delivery)
    assert post.thread.messages == []
    assert not post.thread.archived


async def test_a_locked_thread_is_left_alone_until_somebody_opens_it(post: Post) -> None:
    """Not even moderators' bots open it without Manage Threads, for which this one does not ask:
    one try, and no more before Discord tells that it has changed.
    """
    delivery = await _posted(post)
    post.thread.update(archived=True, locked=True)
    for _ in range(3):
        with pytest.raises(Denied) as denied:
            await post.careful.delete(post.job(), delivery)
        assert denied.value.code == 50083
    assert [r.code for r in post.discord.requests if r.method in {"DELETE", "PATCH"}] == [
        50083,
        160005,
    ]
    post.thread.update(archived=False)  # locked, but open: what is ours may go
    post.closed.reopen(1, post.thread.id)
    await post.careful.delete(post.job(), delivery)
    assert post.thread.messages == []


async def test_where_we_see_nothing_nothing_is_deleted(post: Post) -> None:
    """A 403, which is remembered for deletes as for everything there."""
    delivery = await _posted(post)
    post.channel.set_overwrite(post.channel.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    for _ in range(2):
        with pytest.raises(Denied) as denied:
            await post.careful.delete(post.job(), delivery)
        assert denied.value.code == 50001
    assert len([r for r in post.discord.requests if r.method == "DELETE"]) == 1


async def test_a_removal_is_told_to_the_member_alone_and_found_again(post: Post) -> None:
    """Whatever the reason says; and it is not taken for the notice that there is no video."""
    job = post.job(removal=Removal(5, START, "@everyone <@&1> `x` [y](https://evil.test)"))
    tried_at = int(post.discord.clock.now() * 1000)
    tries = {"attempts": 1, "first_try_at": tried_at, "last_try_at": tried_at}
    delivery = post.delivery(K.REMOVAL, **tries)
    message_id = await post.messenger.post(job, delivery, Outlook(), reply_to=None)
    (message,) = post.thread.messages
    assert message.content == (
        f"<@{post.alice.id}> The video of job 7 was removed by a moderator, reason: "
        "`@everyone <@&1> ˋxˋ [y](https://evil.test)`."
    )
    assert message.mentions == [post.alice.user]
    assert not message.mention_everyone
    assert await post.messenger.find(job, delivery) == message_id
    notice = replace(delivery, id=2, kind=K.NOTICE)
    assert await post.messenger.find(job, notice) is None


async def test_the_address_of_a_posted_video_is_fresh_each_time(post: Post, tmp_path: Path) -> None:
    """Those of before are dead after a day; where there is no video there is no address."""
    video = tmp_path / "7.mp4"
    video.write_bytes(b"a video")
    job = post.job(state=JobState.DELIVERING, code=None, finished_at=None, video_path=video)
    result = post.delivery(K.RESULT)
    message_id = await post.messenger.post(job, result, Outlook(), reply_to=None)
    result = replace(result, message_id=message_id)
    notice = post.delivery(message_id=await post.notice())

    first = await post.careful.video_of(job, result)
    post.discord.clock.advance(2 * 86_400)
    second = await post.careful.video_of(job, result)

    assert first is not None
    assert second is not None
    async with aiohttp.ClientSession() as web, web.get(first) as old, web.get(second) as new:
        assert (old.status, await new.read()) == (404, b"a video")
    assert await post.careful.video_of(job, notice) is None
    post.thread.messages[0].channel.world.posting.delete(post.thread.messages[0])
    with pytest.raises(Denied) as denied:
        await post.careful.video_of(job, result)
    assert denied.value.code == 10008


async def test_a_shared_video_is_found_again_and_is_not_taken_for_the_first(
    post: Post, tmp_path: Path
) -> None:
    """Both have the job's file, in one channel; it wakes nobody and has no buttons."""
    video = tmp_path / "7.mp4"
    video.write_bytes(b"a video")
    job = post.job(state=JobState.DELIVERED, code=None, video_path=video)
    tried_at = int(post.discord.clock.now() * 1000)
    tries = {"attempts": 1, "first_try_at": tried_at, "last_try_at": tried_at}
    share = replace(post.delivery(K.SHARE, **tries), id=5)
    message_id = await post.messenger.post(job, share, Outlook(), reply_to=None)

    (message,) = post.thread.messages
    assert message.mentions == []
    assert message.components == []
    assert message.attachments[0].filename.startswith("shared-7-")
    assert await post.messenger.find(job, share) == message_id
    assert await post.messenger.find(job, replace(share, id=6, kind=K.RESULT)) is None
