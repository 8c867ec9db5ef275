"""``/moderate settings``, pressed, chosen and typed as moderators do, and as others forge it."""

from __future__ import annotations

import pytest

from bot.sandbox.discord import ClientRefused, Invocation, Member, Permission
from tests.e2e import forging
from tests.e2e.conftest import OpenScene
from tests.e2e.moderating import helper
from tests.e2e.panel import Hand, access, choice, field_name, opened, private, rows
from tests.e2e.test_moderation import NOTHING_HERE, entries, moderate, moderator
from tests.e2e.town import Scene, bots

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
STRIKES = ("count", "within", "blocked")


async def test_channels_and_roles_hold_from_the_moment_they_are_chosen(scene: Scene) -> None:
    """Who may ask where: said before → after, shown as chosen, and the next request obeys."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    assert "Videos may be asked for in every channel" in hand.text
    await hand.open("channels")
    text = await hand.choose("allowed", scene.channel)
    assert f"✅ Channels where videos may be asked for: all → <#{scene.channel.id}>" in text
    assert hand.chosen("allowed") == access(scene, "allowed_channel") == {scene.channel.id}
    lounge = scene.guild.create_text_channel("lounge")
    assert "channel" in await scene.refused(where=lounge)
    await scene.delivered(await scene.card())

    await hand.choose("age", "only_there")
    assert "Age-restricted channels: like any other → nowhere else" in hand.text
    assert "age restriction" in await scene.refused()
    await hand.choose("age", "anywhere")

    await hand.open("members")
    makers, noisy = scene.guild.create_role("makers"), scene.guild.create_role("noisy")
    text = await hand.choose("required", makers)
    assert f"✅ Roles of which one is needed: none is needed → <@&{makers.id}>" in text
    assert "role" in await scene.refused()
    scene.alice.add_role(makers)
    await scene.delivered(await scene.card())
    text = await hand.choose("barred", noisy)
    assert f"✅ Barred roles: none → <@&{noisy.id}>" in text
    scene.alice.add_role(noisy)
    assert "role" in await scene.refused()
    assert "✅ Roles of which one is needed" in await hand.choose("required")
    assert "✅ Barred roles" in await hand.choose("barred")
    await scene.delivered(await scene.card())
    assert entries(scene) == [
        "allowed_channel", "gate", "gate",
        "required_role", "barred_role", "required_role", "barred_role",
    ]  # fmt: skip


async def test_numbers_are_typed_into_forms_that_show_the_current_ones(scene: Scene) -> None:
    """Days, prices, strikes and retention; a form that comes back untouched changes nothing."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("members")
    text = await hand.fill("newcomers", days="0,5")
    assert "✅ Time in the server before asking: none → 0.5 days" in text
    assert (await hand.form("newcomers")).modal["components"][0]["component"]["value"] == "0.5"
    assert "nothing was changed" in await hand.fill("newcomers")
    assert "New members" in await scene.refused()
    await hand.fill("newcomers", days="0")

    await hand.open("costs")
    text = await hand.fill("costs", create="2")
    assert "✅ Prices: every command × 1 → `/create` × 2" in text
    await scene.delivered(await scene.card())
    assert await scene.left() == 3
    await hand.fill("costs", create="1")

    await hand.open("strikes")
    text = await hand.fill("strikes", count="2", within="12", blocked="48")
    assert (
        "✅ Strikes: off → after 2 refused prompts, within 12 hours, blocked for 48 hours" in text
    )
    assert (choice(scene, "strikes"), choice(scene, "strike_block_ms")) == (2, 2 * DAY_MS)
    text = await hand.press("strikes_off")
    assert (
        "✅ Strikes: after 2 refused prompts, within 12 hours, blocked for 48 hours → off" in text
    )
    assert choice(scene, "strikes") is None

    await hand.open("records")
    text = await hand.fill("retention", days="30")
    assert "as long as the bot keeps them → for 30 days" in text
    assert choice(scene, "retention_ms") == 30 * DAY_MS
    assert "Keep as the bot does" in hand.labels
    assert "for 30 days → as long as the bot keeps them" in await hand.press("kept")
    assert choice(scene, "retention_ms") is None


WRONG = [
    ("members", "newcomers", {"days": "soon"}, "`Days`: `soon` is no number"),
    ("members", "newcomers", {"days": "366"}, "`Days` must be between 0 and 365."),
    ("costs", "costs", {"animate": "0"}, "`/animate` must be between 1 and 100."),
    ("costs", "costs", {"animate": "1.5"}, "`/animate` must be a whole number"),
    ("strikes", "strikes", {"within": "9000"}, "`Within hours` must be between"),
    ("records", "retention", {"days": "0"}, "`Days` must be between 1 and 3,650."),
]


@pytest.mark.parametrize(("page", "form", "typed", "words"), WRONG)
async def test_a_wrong_form_says_what_to_change_and_keeps_what_was_typed(
    scene: Scene, page: str, form: str, typed: dict[str, str], words: str
) -> None:
    """Nothing is changed; opened again, the form has what was typed; once it was right, what is
    set. Another moderator sees what is set.
    """
    mona, otto = moderator(scene), moderator(scene, "otto")
    hand, other = await opened(scene, mona), await opened(scene, otto)
    await hand.open(page)
    await other.open(page)
    before = values(await other.form(form))
    text = await hand.fill(form, **typed)
    assert f"❌ {words}" in text
    assert "Nothing was changed." in text
    assert entries(scene) == []
    again = await hand.form(form)
    assert values(again) == {**before, **typed}
    assert values(await other.form(form)) == before
    right = dict.fromkeys(typed, "3")
    await hand.send(again, **right)
    assert "✅" in hand.text
    assert values(await hand.form(form)) == {**before, **right}
    await other.fill(form, **dict.fromkeys(typed, "7"))
    assert values(await hand.form(form)) == {**before, **dict.fromkeys(typed, "7")}


def values(opened: Invocation) -> dict[str, str]:
    """What a form shows in its fields."""
    assert opened.modal is not None
    fields = [row["component"] for row in opened.modal["components"]]
    return {field_name(field["custom_id"]): field.get("value") or "" for field in fields}


async def test_where_things_go_and_what_is_looked_at(scene: Scene) -> None:
    """Four channels, each shown as chosen; reviews need a place, and keep it while they are on."""
    mona = moderator(scene)
    office = private(scene)
    hand = await opened(scene, mona)
    await hand.open("results")
    text = await hand.choose("result", scene.channel)
    assert f"✅ Result place: where the video was asked for → <#{scene.channel.id}>" in text
    assert hand.chosen("result") == {scene.channel.id}
    await hand.choose("showcase", scene.channel)
    text = await hand.choose("result")
    assert f"✅ Result place: <#{scene.channel.id}> → where the video was asked for" in text
    await hand.open("records")
    await hand.choose("log", office)
    assert "✅ Daily report: on → off" in await hand.press("digest_off")
    assert "✅ Daily report: off → on" in await hand.press("digest_on")

    await hand.open("review")
    with pytest.raises(ClientRefused, match="disabled"):
        await hand.choose("looks", "new")
    assert "Choose a review channel first" in await hand.forge("settings:review:looks", ["all"], 3)
    await hand.choose("review", office)
    text = await hand.choose("looks", "new", "flagged")
    assert "Review of new members’ videos: off; Review of flagged prompts: off → " in text
    assert "Review of new members’ videos: for 7 days; Review of flagged prompts: on" in text
    assert "⚠️" not in text
    text = await hand.choose("review")
    assert "❌ Videos wait there until they are looked at." in text
    assert hand.chosen("review") == {office.id}
    text = await hand.fill("newness", days="3")
    assert "✅ Review of new members’ videos: for 7 days → for 3 days" in text
    await hand.choose("looks")
    assert "Change days" not in hand.labels
    await hand.choose("review")
    assert [choice(scene, name) for name in ("result_channel", "showcase_channel", "log_channel",
            "review_channel", "review_newcomer_ms", "review_flagged", "review_all")] == [
        None, scene.channel.id, office.id, None, 0, 0, 0,
    ]  # fmt: skip


async def test_what_somebody_else_changed_meanwhile_stays(scene: Scene) -> None:
    """Two panels are open. Each press changes what its moderator changed, and shows all of it."""
    mona, otto = moderator(scene), moderator(scene, "otto")
    lounge = scene.guild.create_text_channel("lounge")
    office = private(scene)
    first, second = await opened(scene, mona), await opened(scene, otto)
    for hand in (first, second):
        await hand.open("channels")
    await first.choose("allowed", scene.channel)
    await second.choose("allowed", lounge)
    assert access(scene, "allowed_channel") == {scene.channel.id, lounge.id}
    assert second.chosen("allowed") == {scene.channel.id, lounge.id}
    await first.choose("allowed")  # takes off what it shows, which is the first one alone
    assert access(scene, "allowed_channel") == {lounge.id}
    assert first.chosen("allowed") == {lounge.id}

    for hand in (first, second):
        await hand.open("review")
    await first.choose("review", office)
    await second.open("review")
    await first.choose("looks", "new")
    await second.choose("looks", "all")
    assert [choice(scene, name) for name in ("review_newcomer_ms", "review_all")] == [
        7 * DAY_MS,
        1,
    ]
    assert f"Looked at first, in <#{office.id}>: every video" in await first.open("home")


async def test_a_form_changes_only_the_numbers_that_were_changed_in_it(scene: Scene) -> None:
    """It put back what somebody else had set while it was open, and wrote the bot's own limit down
    as the server's, which then no longer followed it.
    """
    mona, otto = moderator(scene), moderator(scene, "otto")
    first, second = await opened(scene, mona), await opened(scene, otto)
    for hand in (first, second):
        await hand.open("costs")
    form = await first.form("costs")
    await second.fill("costs", animate="3")
    await first.send(form, create="2")
    assert "✅ Prices: `/animate` × 3 → `/create` × 2, `/animate` × 3" in first.text

    for hand in (first, second):
        await hand.open("strikes")
        await hand.fill("strikes")
    form = await first.form("strikes")
    await second.fill("strikes", count="5", within="7")
    await first.send(form, blocked="9")
    rule = [choice(scene, name) for name in ("strikes", "strike_window_ms", "strike_block_ms")]
    assert rule == [5, 7 * HOUR_MS, 9 * HOUR_MS]

    for hand in (first, second):
        await hand.open("members")
    form = await first.form("newcomers")
    await second.fill("newcomers", days="2")
    await first.send(form)
    assert "nothing was changed" in first.text
    assert "2 days" in first.text

    first, second = await opened(scene, mona, "setup"), await opened(scene, otto, "setup")
    for hand in (first, second):
        await hand.open("limits")
    assert "nothing was changed" in await first.fill("limits")
    form = await first.form("limits")
    await second.fill("limits", budget="50", budget_hours="12")
    assert limits(scene) == {"server": (50, 12 * HOUR_MS, None)}
    await first.send(form, concurrent="1")
    assert limits(scene) == {"everyone": (None, None, 1), "server": (50, 12 * HOUR_MS, None)}
    form = await first.form("limits")
    await second.fill("limits", concurrent="4")
    await first.send(form, credits="8", budget="", budget_hours="")
    assert limits(scene) == {"everyone": (8, 24 * HOUR_MS, 4)}


def limits(scene: Scene) -> dict[str, tuple[int | None, ...]]:
    """What is set for every member and the whole server: credits, in what time, at once."""
    return {
        row["subject"]: (row["credits"], row["window_ms"], row["concurrent"])
        for row in rows(scene, "usage_limit")
    }


LACKING = [
    (Permission.VIEW_CHANNEL, "View Channel"),
    (Permission.SEND_MESSAGES, "Send Messages"),
    (Permission.ATTACH_FILES, "Attach Files"),
    (Permission.EMBED_LINKS, "Embed Links"),
    (Permission.READ_MESSAGE_HISTORY, "Read Message History"),
]


@pytest.mark.parametrize(("bit", "name"), LACKING)
async def test_a_channel_without_a_permission_is_chosen_with_a_warning(
    scene: Scene, bit: Permission, name: str
) -> None:
    """It names exactly what is missing, on its page and on the first one, until it is there."""
    mona = moderator(scene)
    office = private(scene)
    office.set_overwrite(scene.guild.bot_role, allow=Permission.VIEW_CHANNEL & ~bit, deny=bit)
    hand = await opened(scene, mona)
    await hand.open("results")  # a log is posted to at once, and its refusal is a warning, too
    text = await hand.choose("result", office)
    assert f"✅ Result place: where the video was asked for → <#{office.id}>" in text
    assert f"⚠️ In <#{office.id}> I lack **{name}**.\n" in f"{text}\n"
    assert f"I lack **{name}**." in await hand.open("home")
    await hand.open("results")
    office.set_overwrite(scene.guild.bot_role, allow=Permission.VIEW_CHANNEL)
    assert "⚠️" not in await hand.press("check")
    assert "Check again" not in hand.labels
    assert hand.chosen("result") == {office.id}


async def test_a_pause_stands_at_the_top_of_the_panel(scene: Scene) -> None:
    """With its reason, and how it is ended."""
    mona = moderator(scene)
    await moderate(scene, mona, "pause", reason="movie night")
    hand = await opened(scene, mona)
    assert "⏸️ **This server is paused**: takes no new videos, those waiting wait" in hand.text
    assert "reason: `movie night`" in hand.text
    await moderate(scene, mona, "resume")
    assert "⏸️" not in (await opened(scene, mona)).text


async def test_a_log_that_everybody_reads_is_chosen_with_a_warning(scene: Scene) -> None:
    """It stays until the channel is closed, and nothing is refused."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("records")
    text = await hand.choose("log", scene.channel)
    assert f"✅ Log channel: none → <#{scene.channel.id}>" in text
    assert f"⚠️ Every member sees <#{scene.channel.id}>, and so the names and prompts" in text
    assert "⚠️ Every member sees" in await hand.open("home")
    for role in (scene.guild.bot_role, *mona.roles):
        scene.channel.set_overwrite(role, allow=Permission.VIEW_CHANNEL)
    scene.channel.set_overwrite(scene.guild.everyone, deny=Permission.VIEW_CHANNEL)
    assert "⚠️" not in await hand.open("records")


async def test_a_role_of_the_bot_that_loses_a_permission_is_seen_too(scene: Scene) -> None:
    """And threads need their own, where members ask."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("channels")
    forum = scene.guild.create_forum("ideas")
    assert "⚠️" not in await hand.choose("allowed", scene.channel, forum)
    scene.guild.bot_role.revoke(Permission.SEND_MESSAGES_IN_THREADS | Permission.SEND_MESSAGES)
    scene.guild.everyone.revoke(Permission.SEND_MESSAGES_IN_THREADS | Permission.SEND_MESSAGES)
    text = await hand.open("channels")
    assert (
        f"⚠️ In <#{scene.channel.id}> I lack **Send Messages**, **Send Messages in Threads**."
        in text
    )
    assert f"⚠️ In <#{forum.id}> I lack **Send Messages in Threads**." in text


async def test_what_is_gone_is_named_and_can_be_taken_off(scene: Scene) -> None:
    """A channel and a role that were deleted: the panel says so; one press mends it."""
    mona = moderator(scene)
    lounge, office = scene.guild.create_text_channel("lounge"), private(scene)
    makers = scene.guild.create_role("makers")
    hand = await opened(scene, mona)
    await hand.open("channels")
    await hand.choose("allowed", lounge, scene.channel)
    await hand.open("members")
    await hand.choose("required", makers)
    await hand.open("review")
    await hand.choose("review", office)
    await hand.choose("looks", "all")
    lounge.delete()
    office.delete()
    scene.guild.delete_role(makers)
    home = await hand.open("home")
    assert f"<#{lounge.id}> does not exist any more" in home
    assert "A role on a list under Members does not exist any more" in home
    await hand.open("channels")
    assert hand.chosen("allowed") == {scene.channel.id}
    text = await hand.press("gone")
    assert "<#" in text
    assert access(scene, "allowed_channel") == {scene.channel.id}
    assert "Take off what is gone" not in hand.labels
    await hand.open("members")
    assert "❓" in await hand.press("gone")  # without it everybody could ask
    text = await hand.press("gone_open")
    assert f"✅ Roles of which one is needed: <@&{makers.id}> → none is needed" in text
    await hand.open("review")
    assert "❌ Videos wait there" in await hand.press("gone")
    await hand.choose("looks")
    assert f"✅ Review channel: <#{office.id}> → none" in await hand.press("gone")
    assert "⚠️" not in await hand.open("home")


async def looked_again(hand: Hand, page: str) -> None:
    """Leave the page, and come back to it."""
    await hand.open("home" if hand.home == "settings" else "places")
    await hand.open(page)


@pytest.mark.parametrize(("home", "page"), [("settings", "channels"), ("setup", "asking")])
async def test_a_server_whose_last_channel_is_gone_stays_closed_until_somebody_opens_it(
    scene: Scene, home: str, page: str
) -> None:
    """Taking it off the list opened every channel, and nobody was asked. Now the panel says what
    would be open; whoever does not press that leaves all as it is, or chooses another channel.
    """
    mona = moderator(scene)
    attic = scene.guild.create_text_channel("attic")
    hand = await opened(scene, mona, home)
    if home == "settings":
        await hand.open(page)
    await hand.choose("allowed", attic)
    attic.delete()
    await looked_again(hand, page)
    before = entries(scene)
    text = await hand.press("gone")
    assert "Without the list members may ask in **every channel**." in text
    assert "Nothing was changed." in text
    assert "Open every channel" in hand.labels
    assert access(scene, "allowed_channel") == {attic.id}
    assert entries(scene) == before
    assert "channel" in await scene.refused()

    text = await hand.choose("allowed", scene.channel)  # the other way out, beside the question
    assert "Open every channel" not in hand.labels
    assert "❓" not in await hand.press("gone")
    assert access(scene, "allowed_channel") == {scene.channel.id}
    await scene.delivered(await scene.card())

    loft = scene.guild.create_text_channel("loft")
    await hand.choose("allowed", loft)
    loft.delete()
    await looked_again(hand, page)
    await hand.press("gone")
    text = await hand.press("gone_open")
    assert f"✅ Channels where videos may be asked for: <#{loft.id}> → all" in text
    assert access(scene, "allowed_channel") == set()
    await scene.delivered(await scene.card())


async def test_a_role_without_which_nobody_asks_is_not_let_go_unasked(scene: Scene) -> None:
    """And neither is anything else on its page: all of it, or nothing."""
    mona = moderator(scene)
    makers, noisy = scene.guild.create_role("makers"), scene.guild.create_role("noisy")
    hand = await opened(scene, mona)
    await hand.open("members")
    await hand.choose("required", makers)
    await hand.choose("barred", noisy)
    scene.guild.delete_role(makers)
    scene.guild.delete_role(noisy)
    await looked_again(hand, "members")
    text = await hand.press("gone")
    assert "Without the list **every member** may ask" in text
    assert access(scene, "required_role") == {makers.id}
    assert access(scene, "barred_role") == {noisy.id}
    assert "role" in await scene.refused()
    await looked_again(hand, "members")
    assert "Let every member ask" not in hand.labels
    await hand.press("gone")
    text = await hand.press("gone_open")
    assert f"✅ Roles of which one is needed: <@&{makers.id}> → none is needed" in text
    assert f"✅ Barred roles: <@&{noisy.id}> → none" in text
    await scene.delivered(await scene.card())


async def test_everything_answers_after_a_restart(open_scene: OpenScene) -> None:
    """Buttons, selects, and a form that was opened before."""
    scene = await open_scene()
    mona = moderator(scene)
    hand = await opened(scene, mona)
    guide = await opened(scene, mona, "setup")
    await hand.open("strikes")
    waiting = await hand.form("strikes")
    await guide.open("limits")
    own = await guide.form("limits")
    assert await scene.town.stop() == 0
    await scene.town.restart()
    await hand.send(waiting, count="4")
    assert "✅ Strikes: off → after 4 refused prompts" in hand.text
    await hand.send(waiting, count="5")
    assert "✅ Strikes: after 4 refused prompts → after 5 refused prompts" in hand.text
    await hand.open("channels")
    await hand.choose("allowed", scene.channel)
    await guide.send(own, credits="7", budget="70", budget_hours="24")
    assert "→ 7 credits in 24 hours" in guide.text
    assert "✅ This server's budget: none → 70 credits in 24 hours" in guide.text
    await guide.choose("preset", "small")
    await guide.open("summary")
    assert "Every member: 10 credits in 24 hours, 3 unfinished at once" in guide.text


# -- isolation -----------------------------------------------------------------------------------


async def test_what_a_client_forges_is_refused(scene: Scene) -> None:
    """Channels and roles of another server, threads, whatever has another number, too many, and
    controls that there are not: nothing is changed, and another server's is as what is not there.
    """
    mona = moderator(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    theirs, their_role = elsewhere.create_text_channel("theirs"), elsewhere.create_role("theirs")
    forum = scene.guild.create_forum("forum")
    hand = await opened(scene, mona)
    no_channel = "❌ That is no channel of this server that can be chosen here."
    for channel_id in (theirs.id, scene.thread.id, scene.guild.id, 987_654_321):
        for what in ("channels:allowed", "results:result", "records:log", "review:review"):
            assert no_channel in await hand.forge(f"settings:{what}", [str(channel_id)], 8)
    assert no_channel in await hand.forge("settings:records:log", [str(forum.id)], 8)
    two = [str(scene.channel.id), str(private(scene).id)]
    assert "❌ Choose one channel." in await hand.forge("settings:records:log", two, 8)
    for role_id in (their_role.id, 987_654_321):
        for what in ("required", "barred"):
            text = await hand.forge(f"settings:members:{what}", [str(role_id)], 6)
            assert "❌ That is no role of this server." in text
    text = await hand.forge("settings:members:barred", [str(scene.guild.id)], 6)
    assert "❌ Everybody has @everyone" in text
    many = [str(scene.guild.create_role(f"r{number}").id) for number in range(26)]
    assert "❌ Choose at most 25." in await hand.forge("settings:members:barred", many, 6)
    for value in ("x", "-1", "1" * 40, "", "1; DROP TABLE job"):
        for kind, what in ((8, "channels:allowed"), (6, "members:barred")):
            assert await hand.forge(f"settings:{what}", [value], kind) == NOTHING_HERE
    for what, value in (("channels:age", "never"), ("review:looks", "some")):
        assert await hand.forge(f"settings:{what}", [value], 3) == NOTHING_HERE
    assert await hand.forge("setup:limits:preset", ["huge"], 3) == NOTHING_HERE
    for what in (
        "settings:nowhere:open",
        "settings:home:nothing",
        "setup:home:open",
        "settings:asking:check",
        "settings:home:test",
    ):
        assert await hand.forge(what) == NOTHING_HERE
    assert entries(scene) == []
    assert scene.town.rows("SELECT * FROM audit_entry WHERE guild_id = :id", id=elsewhere.id) == []


POSTS = ("results:result", "results:showcase", "records:log", "review:review")


async def test_whom_the_server_handed_the_command_aims_no_posts_where_they_may_not(
    scene: Scene,
) -> None:
    """They let the bot post into channels in which they may not write, and into ones that they do
    not even see. What they do not see is as what is not there; today's permissions count; whoever
    manages the server, or administrates it, chooses any channel.
    """
    helpers = helper(scene, scene.bob)
    news, office = scene.guild.create_text_channel("news"), private(scene)
    news.set_overwrite(scene.guild.everyone, deny=Permission.SEND_MESSAGES)
    news.set_overwrite(scene.guild.bot_role, allow=Permission.SEND_MESSAGES)
    hand = await opened(scene, scene.bob)
    no_channel = "❌ That is no channel of this server that can be chosen here."
    for what in POSTS:
        text = await hand.forge(f"settings:{what}", [str(news.id)], 8)
        assert f"❌ You may not send messages in <#{news.id}> yourself" in text
    for what in (*POSTS, "channels:allowed"):
        assert no_channel in await hand.forge(f"settings:{what}", [str(office.id)], 8)
    assert entries(scene) == []

    hand = await opened(scene, scene.bob)
    office.set_overwrite(helpers, allow=Permission.VIEW_CHANNEL)
    await hand.open("records")
    text = await hand.choose("log", office)
    assert f"✅ Log channel: none → <#{office.id}>" in text
    office.set_overwrite(helpers)
    assert "✅ Log channel" in await hand.choose("log")
    assert no_channel in await hand.forge("settings:results:result", [str(office.id)], 8)

    for name, bit in (("mona", Permission.MANAGE_GUILD), ("otto", Permission.ADMINISTRATOR)):
        who = scene.newcomer(name)
        who.add_role(scene.guild.create_role(name, bit))
        other = await opened(scene, who)
        text = await other.forge("settings:results:result", [str(news.id)], 8)
        assert f"→ <#{news.id}>" in text
        text = await other.forge("settings:results:result", [str(office.id)], 8)
        assert f"<#{news.id}> → <#{office.id}>" in text
        await other.forge("settings:results:result", [], 8)


async def test_a_channel_that_somebody_else_allowed_stays_on_the_list(scene: Scene) -> None:
    """Also when whoever adds one does not see it, and their select sends it along."""
    helper(scene, scene.bob)
    office = private(scene)
    hand = await opened(scene, moderator(scene))
    await hand.open("channels")
    await hand.choose("allowed", office)
    other = await opened(scene, scene.bob)
    await other.open("channels")
    await other.choose("allowed", office, scene.channel)
    assert access(scene, "allowed_channel") == {office.id, scene.channel.id}


async def test_a_list_never_grows_past_what_can_be_chosen(scene: Scene) -> None:
    """Two moderators who each add to it meet the end of it."""
    mona = moderator(scene)
    roles = [scene.guild.create_role(f"r{number}") for number in range(26)]
    first, second = await opened(scene, mona), await opened(scene, mona)
    for hand in (first, second):
        await hand.open("members")
    await first.choose("barred", *roles[:25])
    text = await second.choose("barred", roles[25])
    assert "❌ That would be 26, and at most 25 fit on the list" in text
    assert access(scene, "barred_role") == {role.id for role in roles[:25]}


async def test_a_panel_acts_in_the_server_where_it_is_pressed(scene: Scene) -> None:
    """The moderator of another server, with the same ids in hand, changes their own."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("strikes")
    await hand.fill("strikes", count="3")
    elsewhere = Scene(scene.town, "Elsewhere")
    other = await opened(elsewhere, moderator(elsewhere, "carol"))
    assert "\nOff\n" in other.text
    await other.open("strikes")
    assert "Switch on" in other.labels
    await other.fill("strikes", count="9")
    assert choice(scene, "strikes") == 3
    assert choice(elsewhere, "strikes") == 9


async def test_who_lost_the_permission_a_second_ago_changes_nothing(scene: Scene) -> None:
    """Whatever was open: buttons, selects and a form are answered as if there was nothing."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("members")
    waiting = await hand.form("newcomers")
    makers = scene.guild.create_role("makers")
    before = hand.text
    mona.remove_role(mona.roles[0])
    for custom_id in ("settings:home:open", "settings:members:newcomers", "settings:members:gone"):
        assert await scene.forge(mona, hand.shown, custom_id) == NOTHING_HERE
    pressed = await scene.discord.select(mona, hand.shown, hand.id("barred"), [makers])
    assert (await pressed.answered()).text == NOTHING_HERE
    assert (await hand.send(waiting, days="5")).text == NOTHING_HERE
    assert hand.text == before
    assert entries(scene) == []


async def submitted(hand: Hand, who: Member, typed: dict[str, str]) -> str:
    """Send the form of strikes, whether or not it was opened; what is answered."""
    sent = await forging.form(hand.scene, who, hand.shown, "settings:strikes:strikes", typed)
    return (await sent.answered()).text


async def test_a_form_that_came_back_with_too_much_is_opened_again(scene: Scene) -> None:
    """What no field holds was kept for the next try, and Discord took no form that showed it."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    await hand.open("strikes")
    typed = dict.fromkeys(STRIKES, "9" * 4_000)
    assert "is no number" in await submitted(hand, mona, typed)
    assert set(values(await hand.form("strikes")).values()) == {"9" * 16}


async def test_who_may_not_moderate_forges_nothing(scene: Scene) -> None:
    """A member sends what a moderator's client would send: a form, a test, a choice."""
    mona = moderator(scene)
    hand = await opened(scene, mona)
    typed = dict.fromkeys(STRIKES, "1")
    assert await submitted(hand, scene.bob, typed) == NOTHING_HERE
    assert "❌ `Within hours`" in await submitted(hand, mona, {STRIKES[0]: "1"})
    assert entries(scene) == []
    hand.who = scene.bob
    for custom_id in ("setup:summary:test", "settings:strikes:strikes", "settings:home:open"):
        assert await hand.forge(custom_id) == NOTHING_HERE
    assert bots(scene.channel) == []


async def test_no_page_pings_anybody(scene: Scene) -> None:
    """Whatever stands on it, also where the bot could."""
    scene.guild.bot_role.grant(Permission.MENTION_EVERYONE)
    role = scene.guild.create_role("@everyone `crew`")
    role.mentionable = True
    mona = moderator(scene)
    began = len(scene.discord.requests)
    hand = await opened(scene, mona)
    await hand.open("members")
    await hand.choose("barred", role)
    sent = [r.json for r in scene.discord.requests[began:] if r.method == "POST"]
    assert len(sent) == 3
    assert all(one["data"]["allowed_mentions"] == {"parse": []} for one in sent)
    assert hand.shown.ephemeral
    assert hand.shown.mention_roles == []
