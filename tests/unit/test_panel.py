"""The pages of the panel: within Discord's limits for any server, and true."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.errors import BadOption
from bot.model import Quota, Verb
from bot.rules.policy import (
    AgeRule,
    Choices,
    Limit,
    Pause,
    PauseMode,
    Policy,
    Rate,
    ReviewRule,
    Strikes,
)
from bot.sandbox.discord import components, modals
from bot.sandbox.discord.errors import Problems
from bot.sandbox.discord.messages import walk
from bot.store.audit import Act, AuditEntry
from bot.store.logbook import LogState
from bot.store.policies import Numbers
from bot.ui.forms import modal_of
from bot.ui.moderation.panel import settings, setup
from bot.ui.moderation.panel.controls import NumbersForm
from bot.ui.moderation.panel.forms import LONGEST, filled, number, plain, whole
from bot.ui.moderation.panel.numbers import SHEETS
from bot.ui.moderation.panel.parts import IDS, Notice, Panel, asking, changed, refused
from bot.ui.moderation.panel.server import Chosen, Place, Server
from bot.ui.moderation.panel.trial import content, picture
from bot.ui.permissions import INVITED, Use
from bot.workflow.moderation import Standing
from bot.workflow.moderation import options as options_
from bot.workflow.moderation.options import DAY_MS, HOUR_MS, LONGEST_REASON
from bot.workflow.moderation.presets import PRESETS

Json = dict[str, Any]
DEFAULT = Quota(credits=5, window_ms=DAY_MS, concurrent=2)
LARGE = 9_100_000_000_000_000_000
"""About the largest id that there can be."""

TEXT = discord.ChannelType.text
HERE = Place(99, TEXT, INVITED)
INVITED_WITHOUT_FILES = discord.Permissions(INVITED.value & ~discord.Permissions.attach_files.flag)
PAGES: Mapping[str, settings.Draw] = {
    **{f"settings {name}": draw for name, draw in settings.PAGES.items()},
    **{f"setup {name}": draw for name, draw in setup.PAGES.items()},
}


def mention(command: str) -> str:
    """A command as long as it can be."""
    return f"</{command}:{LARGE}>"


def a_server(
    policy: Policy | None = None,
    choices: Choices | None = None,
    *,
    numbers: Numbers | None = None,
    pause: Pause | None = None,
    all_paused: Pause | None = None,
    places: Mapping[int, Place] | None = None,
    roles: range | frozenset[int] = frozenset(),
    here: Place = HERE,
    waiting: int = 0,
) -> Server:
    """A server in which little is set."""
    standing = Standing(
        policy or Policy(1, DEFAULT),
        choices or Choices(),
        numbers or Numbers(0, 0, 0),
        pause,
        LogState(),
        waiting,
        all_paused,
    )
    return Server(standing, DEFAULT, places or {}, roles, here, mention)


def largest(*, gone: bool = False, granted: discord.Permissions | None = None) -> Server:
    """As much of everything as there can be, all of it gone or without any permission."""
    ids = [LARGE + index for index in range(600)]
    none = granted or discord.Permissions.none()
    policy = Policy(
        guild_id=LARGE,
        default=Quota(1_000_000, 8_760 * HOUR_MS, 1_000),
        roles={id_: Limit(concurrent=1) for id_ in ids[:500]},
        channels={id_: Limit(concurrent=1) for id_ in ids[:500]},
        budget=Rate(1_000_000, 8_760 * HOUR_MS - 1),
        allowed_channels=frozenset(ids[:25]),
        required_roles=frozenset(ids[:25]),
        barred_roles=frozenset(ids[25:50]),
        newcomer_ms=365 * DAY_MS - 1,
        age=AgeRule.NOT_THERE,
        weights=dict.fromkeys(Verb, 100),
    )
    choices = Choices(
        result=ids[30], showcase=ids[31], log=ids[32], review=ids[33],
        look_at=ReviewRule(365 * DAY_MS - 1, flagged=True, everything=False),
        strikes=Strikes(100, 8_760 * HOUR_MS - 1, 8_760 * HOUR_MS - 1),
        retention_ms=3_650 * DAY_MS,
    )  # fmt: skip
    places = {id_: Place(id_, TEXT, none, public=True) for id_ in ids[:100]}
    return a_server(
        policy,
        choices,
        numbers=Numbers(1_000_000, 1_000_000, 10_000),
        pause=Pause(PauseMode.DRAIN, "x" * LONGEST_REASON, 10**15),
        all_paused=Pause(PauseMode.DRAIN, "x" * LONGEST_REASON, 10**15),
        places={} if gone else places,
        roles=frozenset() if gone else frozenset(ids[:500]),
        here=Place(LARGE + 599, TEXT, none),
        waiting=1_000_000,
    )


def long_notice() -> Notice:
    """Two changes at once, of the longest kind."""
    ids = list(range(LARGE, LARGE + 50))
    act = Act(1, 7, 0)
    entries = [
        AuditEntry(1, act, "allowed_channel", "server", 0, {"ids": ids[:25]}, {"ids": ids[25:]}),
        AuditEntry(2, act, "barred_role", "server", 0, {"ids": ids[:25]}, {"ids": ids[25:]}),
    ]
    return changed(entries, DEFAULT)


def parts(panel: Panel) -> list[Json]:
    """Every component of a page."""
    return walk(panel.body())


def texts(panel: Panel) -> str:
    """What is to be read on a page."""
    return "\n".join(part["content"] for part in parts(panel) if part["type"] == 10)


def drawn(name: str, server: Server, notice: Notice | None = None) -> Panel:
    """A page by its name."""
    return PAGES[name](server, notice)


SERVERS: Mapping[str, Callable[[], Server]] = {
    "empty": a_server,
    "largest": largest,
    "largest and all well": lambda: largest(granted=discord.Permissions.all()),
    "largest and all gone": lambda: largest(gone=True),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("which", SERVERS)
def test_every_page_fits_into_a_message(name: str, which: str) -> None:
    """Forty components, four thousand characters, twenty-five options, five buttons a row, no id
    twice: as Discord checks it, with the longest notice above.
    """
    for notice in (None, long_notice(), asking(BadOption("x", "?" * 300), "Yes", "settings:x:y")):
        panel = drawn(name, SERVERS[which](), notice)
        problems = Problems()
        components.check(panel.body(), v2=True, files=set(), problems=problems)
        problems.refuse()
        for part in parts(panel):
            custom_id = part.get("custom_id")
            assert custom_id is None or IDS.fullmatch(custom_id)
            assert not re.search(r"\d", custom_id or "")


@pytest.mark.parametrize("name", PAGES)
def test_every_way_leads_to_a_page(name: str) -> None:
    """No button opens what there is not, and from every page there is a way on or back."""
    panel = drawn(name, a_server())
    ways = [p["custom_id"] for p in parts(panel) if p.get("custom_id", "").endswith(":open")]
    assert ways
    for way in ways:
        home, page, _ = way.split(":")
        assert f"{home} {page}" in PAGES


async def test_discord_py_keeps_nothing_of_a_page() -> None:
    """Neither of a page nor of a form, which both are drawn again and again."""
    assert drawn("settings home", a_server()).is_finished()
    assert modal_of(NumbersForm("settings:costs:costs")).is_finished()


def preset(panel: Panel, what: str) -> list[int]:
    """What a select of channels or roles has chosen."""
    (found,) = (p for p in parts(panel) if p.get("custom_id", "").endswith(f":{what}"))
    return [value["id"] for value in found["default_values"]]


def test_selects_show_what_is_chosen_and_still_there() -> None:
    """What is gone would be refused by Discord; it is named, and can be taken off."""
    places = {11: Place(11, TEXT, INVITED)}
    policy = Policy(
        1, DEFAULT, allowed_channels=frozenset({11, 12}), required_roles=frozenset({21, 22})
    )
    server = a_server(policy, places=places, roles=frozenset({21}))
    panel = drawn("settings channels", server)
    assert preset(panel, "allowed") == [11]
    assert "<#12> does not exist any more" in texts(panel)
    assert any(p.get("label") == "Take off what is gone" for p in parts(panel))
    panel = drawn("settings members", server)
    assert preset(panel, "required") == [21]
    assert "Does not exist any more: <@&22>" in texts(panel)
    assert any(p.get("label") == "Take off what is gone" for p in parts(panel))
    nothing = a_server(replace(policy, allowed_channels=frozenset({12})), roles=frozenset())
    for name, what in (("channels", "allowed"), ("members", "required")):
        (menu,) = (p for p in parts(drawn(f"settings {name}", nothing))
                   if p.get("custom_id", "").endswith(f":{what}"))  # fmt: skip
        assert menu["placeholder"] == "None that exists: nobody can ask"
    well = a_server(replace(policy, allowed_channels=frozenset({11})), places=places)
    labels = [p.get("label") for p in parts(drawn("settings channels", well))]
    assert labels[-1:] == ["All settings"]
    assert "Check again" not in labels


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("settings results", Choices(result=11)),
        ("settings results", Choices(showcase=11)),
        ("settings records", Choices(log=11)),
        ("settings review", Choices(review=11)),
        ("settings home", Choices(result=11)),
        ("setup places", Choices(log=11)),
        ("setup review", Choices(review=11)),
        ("setup summary", Choices(log=11)),
    ],
)
def test_what_is_missing_in_a_channel_is_named_until_it_is_there(
    name: str, choices: Choices
) -> None:
    """Exactly what is missing, in Discord's words; then the line is gone."""
    some = discord.Permissions(view_channel=True, send_messages=True, embed_links=True)
    lacking = drawn(name, a_server(choices=choices, places={11: Place(11, TEXT, some)}))
    assert "In <#11> I lack **Attach Files**, **Read Message History**." in texts(lacking)
    assert any(p.get("label") == "Check again" for p in parts(lacking))
    well = drawn(name, a_server(choices=choices, places={11: Place(11, TEXT, INVITED)}))
    assert "I lack" not in texts(well)
    assert "⚠️" not in texts(well)


def test_a_log_channel_that_refuses_is_said() -> None:
    """What waits for it, since when; nothing while it only has not been told yet."""
    server = a_server(choices=Choices(log=11), places={11: Place(11, TEXT, INVITED)})
    for log, said in (
        (LogState(3, 5_000, 50013), "⚠️ The log channel refuses what I tell it: 3 lines waiting"),
        (LogState(3, 5_000, None), ""),
        (LogState(0, None, 50013), ""),
    ):
        standing = replace(server.standing, log=log)
        text = texts(drawn("settings records", replace(server, standing=standing)))
        assert ("⚠️" in text) == bool(said)
        assert said in text
        assert ("since <t:5:R>" in text) == bool(said)


@pytest.mark.parametrize(
    ("name", "choices", "what"),
    [
        ("settings review", Choices(review=11), "the videos that wait for review"),
        ("settings records", Choices(log=11), "the names and prompts in the log"),
        ("settings home", Choices(log=11, review=11),
         "the names and prompts in the log and the videos that wait for review"),
        ("setup places", Choices(log=11), "the names and prompts in the log"),
        ("setup review", Choices(review=11), "the videos that wait for review"),
        ("setup summary", Choices(log=11), "the names and prompts in the log"),
    ],
)  # fmt: skip
def test_a_channel_for_moderators_that_everybody_sees_is_said(
    name: str, choices: Choices, what: str
) -> None:
    """What members read there, and what to do; also beside what the bot lacks there."""
    said = (
        f"Every member sees <#11>, and so {what}. Deny @everyone **View Channel** there and allow "
        "it to moderators and to me, or choose another."
    )
    for granted, before in ((INVITED, ""), (INVITED_WITHOUT_FILES, "In <#11> I lack **Attach")):
        places = {11: Place(11, TEXT, granted, public=True)}
        text = texts(drawn(name, a_server(choices=choices, places=places)))
        assert said in text
        assert f"⚠️ {before}" in text
    closed = {11: Place(11, TEXT, INVITED)}
    assert "⚠️" not in texts(drawn(name, a_server(choices=choices, places=closed)))


def test_where_videos_go_may_everybody_see() -> None:
    """Results and the showcase are for members."""
    places = {11: Place(11, TEXT, INVITED, public=True)}
    server = a_server(choices=Choices(result=11, showcase=11), places=places)
    assert "⚠️" not in texts(drawn("settings home", server))


FULL = a_server(
    Policy(
        1, DEFAULT,
        roles={31: Limit(concurrent=1)},
        budget=Rate(100, DAY_MS),
        allowed_channels=frozenset({11}),
        required_roles=frozenset({21}),
        barred_roles=frozenset({22}),
        newcomer_ms=3 * DAY_MS,
        age=AgeRule.ONLY_THERE,
        weights={Verb.ANIMATE: 2},
    ),
    Choices(12, 13, 14, 15, ReviewRule(7 * DAY_MS, flagged=True), Strikes(3, DAY_MS, HOUR_MS),
            30 * DAY_MS, digest=False),
    numbers=Numbers(2, 3, 4),
    pause=Pause(),
    places={id_: Place(id_, TEXT, INVITED) for id_ in range(11, 16)},
    roles=frozenset({21, 22}),
)  # fmt: skip


def test_the_first_page_says_everything_in_a_line_each() -> None:
    """What the panel sets, and what commands set."""
    said = texts(drawn("settings home", FULL)).splitlines()
    for line in (
        "Videos may be asked for only in <#11> · age-restricted: nowhere else",
        "Needs one of <@&21> · Barred: <@&22> · After 3 days in the server",
        "`/animate` × 2",
        "Videos are posted in <#12> · showcase <#13>",
        "Looked at first, in <#15>: videos of new members (7 days) and of flagged prompts",
        "After 3 refused prompts, within 24 hours, blocked for 1 hour",
        "Log in <#14>, without a daily report · words and pictures are kept for 30 days",
        f"{mention('moderate limit')} 5 credits in 24 hours, 2 unfinished at once; another limit "
        "for 2 members, 1 role",
        f"{mention('moderate budget')} 100 credits in 24 hours",
        f"{mention('moderate words list')} 4 phrases on the list",
        f"{mention('moderate block')} 3 members blocked",
        f"{mention('moderate pause')} the server takes no new videos",
    ):
        assert line in said
    said = texts(drawn("settings home", a_server())).splitlines()
    for line in (
        "Videos may be asked for in every channel",
        "Every member may ask",
        "Every command × 1",
        "Videos are posted where they were asked for · no showcase",
        "No video is looked at before it is posted",
        "Off",
        "No log · words and pictures are kept as long as the bot keeps them",
        f"{mention('moderate limit')} 5 credits in 24 hours, 2 unfinished at once",
        f"{mention('moderate budget')} none",
        f"{mention('moderate pause')} the server takes new videos",
    ):
        assert line in said


def test_the_panel_says_how_many_videos_wait() -> None:
    """Also when reviews were switched off: what was held before still needs a decision."""
    look_at = Choices(review=15, look_at=ReviewRule(everything=True))
    for choices, line in (
        (look_at, "Looked at first, in <#15>: every video · 3 wait for a decision"),
        (
            Choices(review=15),
            "No video is looked at before it is posted · 3 from before still wait for a decision",
        ),
    ):
        panel = drawn("settings home", a_server(choices=choices, waiting=3))
        assert line in texts(panel).splitlines()


@pytest.mark.parametrize("name", ["settings home", "setup summary", "setup done"])
def test_why_nothing_is_taken_is_said(name: str) -> None:
    """Whose pause it is, what becomes of what waits, until when, why, and who can end it."""
    ours = a_server(pause=Pause(reason="a `party`"))
    theirs = a_server(all_paused=Pause(PauseMode.DRAIN, until=5_000))
    assert (
        "⏸️ **This server is paused**: takes no new videos, those waiting wait, until somebody "
        f"ends it, reason: `a ˋpartyˋ`\n-# {mention('moderate resume')} ends that."
    ) in texts(drawn(name, ours))
    assert (
        "⏸️ **The bot’s operator has paused all servers**: takes no new videos, those waiting are "
        "made until <t:5:f>\n-# Only the operator can end that."
    ) in texts(drawn(name, theirs))
    for server in (ours, theirs):
        assert "Members can ask for videos now" not in texts(drawn(name, server))
    assert "⏸️" not in texts(drawn(name, a_server()))


def options(panel: Panel, what: str) -> dict[str, bool]:
    """The options of a select, and which are chosen."""
    (found,) = (p for p in parts(panel) if p.get("custom_id", "").endswith(f":{what}"))
    return {option["value"]: bool(option.get("default")) for option in found["options"]}


def test_options_show_what_is_chosen() -> None:
    """Each by itself."""
    assert options(drawn("settings channels", FULL), "age") == {
        "anywhere": False, "only_there": True, "not_there": False
    }  # fmt: skip
    assert options(drawn("settings review", FULL), "looks") == {
        "new": True, "flagged": True, "all": False
    }  # fmt: skip
    everything = a_server(choices=Choices(review=15, look_at=ReviewRule(everything=True)))
    assert options(drawn("setup review", everything), "looks") == {
        "new": False, "flagged": False, "all": True
    }  # fmt: skip
    (select,) = (p for p in parts(drawn("settings review", a_server())) if p["type"] == 3)
    assert select["disabled"]
    assert select["placeholder"] == "Choose a review channel first"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_shows_as_chosen_while_it_holds(name: str) -> None:
    """And none does once somebody has changed a number."""
    given_ = PRESETS[name]
    policy = Policy(1, given_.everyone or DEFAULT, budget=given_.budget)
    shown = options(drawn("setup limits", a_server(policy)), "preset")
    assert [value for value, on in shown.items() if on] == [name]
    changed_ = replace(policy, budget=Rate(77, DAY_MS))
    shown = options(drawn("setup limits", a_server(changed_)), "preset")
    assert not any(shown.values())


@pytest.mark.parametrize(
    ("name", "bare", "chosen"),
    [
        ("asking", a_server(), FULL),
        ("places", a_server(), FULL),
        ("limits", a_server(), FULL),
        ("review", a_server(), FULL),
    ],
)
def test_the_way_on_is_called_by_what_the_step_has(name: str, bare: Server, chosen: Server) -> None:
    """Skip where nothing is chosen, Next where something is."""
    for server, word in ((bare, "Skip"), (chosen, "Next")):
        labels = [p.get("label") for p in parts(drawn(f"setup {name}", server))]
        assert word in labels
        assert ("Back" in labels) == (name != "asking")


def test_the_summary_names_each_channel_once_with_all_its_uses() -> None:
    """Also the one where the moderator is; what is wrong stands first."""
    policy = Policy(1, DEFAULT, allowed_channels=frozenset({11}))
    choices = Choices(result=11, log=12)
    none = discord.Permissions.none()
    places = {11: Place(11, TEXT, INVITED), 12: Place(12, TEXT, none)}
    lines = texts(drawn("setup summary", a_server(policy, choices, places=places))).splitlines()
    assert lines[lines.index("**Channels**") + 1 :] == [
        "⚠️ In <#12> I lack **View Channel**, **Send Messages**, **Attach Files**, "
        "**Embed Links**, **Read Message History**. (log)",
        "✅ <#11>: I have all that I need (results, asking)",
        "✅ <#99>: I have all that I need (here)",
    ]


def test_more_channels_than_there_is_room_for_are_counted() -> None:
    """None is passed over in silence."""
    text = texts(drawn("setup summary", largest()))
    shown = text.count("I lack")
    found = re.search(r"… and (\d+) more, (\d+) of them with a problem", text)
    assert found is not None
    assert shown + int(found[1]) == 30
    assert int(found[1]) == int(found[2])


def test_a_channel_in_which_videos_are_asked_for_needs_its_threads_too() -> None:
    """The same one needs less where the bot only posts."""
    place = Place(11, TEXT, discord.Permissions(INVITED.value & ~(1 << 38)))
    assert Chosen(11, ("log",), Use.POSTING, place).lacks == ()
    assert Chosen(11, ("asking",), Use.ASKING, place).lacks == ("Send Messages in Threads",)


# Forms.


def shown_form(custom_id: str, server: Server, draft: Mapping[str, str] | None = None) -> Json:
    """A form as Discord gets it."""
    name = custom_id.rpartition(":")[2]
    return modal_of(NumbersForm(custom_id, filled(SHEETS[name], server, draft or {}))).to_dict()


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("which", SERVERS)
def test_every_form_is_one_that_discord_takes(name: str, which: str) -> None:
    """With the current numbers filled in, each of which could be sent back as it is."""
    form = shown_form(f"settings:page:{name}", SERVERS[which]())
    problems = Problems()
    modals.check(form, problems)
    problems.refuse()
    for field in modals.fields(form).values():
        if field.get("value"):
            modals.check_text(field, field["value"])
            assert number(field["value"], "x") >= 0


def test_a_form_shows_what_was_wrong_before_what_is_so() -> None:
    """And what was right beside it, as it was typed."""
    draft = {"count": "three", "within": "12", "blocked": ""}
    form = shown_form("settings:strikes:strikes", FULL, draft)
    shown = {id_: f.get("value") for id_, f in modals.fields(form).items()}
    assert shown == {"count=3": "three", "within=24": "12", "blocked=1": None}
    form = shown_form("settings:strikes:strikes", FULL)
    shown = {id_: f.get("value") for id_, f in modals.fields(form).items()}
    assert shown == {"count=3": "3", "within=24": "24", "blocked=1": "1"}


def test_each_form_is_heard_on_the_page_that_opens_it() -> None:
    """What each button opens is heard when it comes back, and nothing else is."""
    names = tuple(f":{name}" for name in SHEETS)
    opening = {
        part["custom_id"]
        for name in PAGES
        for part in parts(drawn(name, FULL))
        if part["type"] == 2 and part["custom_id"].endswith(names)
    }
    every = {f"{':'.join(page.split())}:{name}" for page in PAGES for name in SHEETS}
    assert {id_ for id_ in every if NumbersForm.template.fullmatch(id_)} == opening


@given(st.integers(min_value=60_000, max_value=8_760 * HOUR_MS))
def test_a_length_of_time_comes_back_as_it_was(span: int) -> None:
    """To the millisecond: a form that is sent back untouched changes nothing."""
    assert options_.hours_ms(number(plain(span / HOUR_MS), "x")) == span
    assert options_.new_for_ms(number(plain(span / DAY_MS), "x")) == span


@pytest.mark.parametrize(
    ("text", "value"),
    [("24", 24), (" 1,000 ", 1000), ("1 000", 1000), ("1’000", 1000), ("0.5", 0.5), ("0,5", 0.5),
     ("1,000,000", 1_000_000), ("0,125", 0.125), ("01,500", 1.5)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    """Either sign before the fraction, and thousands apart."""
    assert number(text, "x") == value


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1e9", "٣", "1.2.3", "nan", "inf", "12345678901", "1h", "`@everyone`"]
)
def test_what_is_no_number_is_said_harmlessly(text: str) -> None:
    """The label names the field, and nothing that was typed works as markup."""
    with pytest.raises(BadOption, match=r"^`Days`: `[^`]*` is no number") as wrong:
        number(text, "Days")
    assert wrong.value.field == "Days"
    with pytest.raises(BadOption):
        whole(text or "1.5", "Days")


@given(st.text(max_size=4_000))
def test_no_text_breaks_a_number(text: str) -> None:
    """Whatever a client sends, it is a number or a sentence of a fit length."""
    try:
        said = str(number(text, "Days"))
    except BadOption as error:
        said = str(error)
    assert len(said) < 100 + LONGEST


def test_notices_say_what_came_of_it() -> None:
    """Changed, so already, or refused."""
    act = Act(1, 7, 0)
    entry = AuditEntry(1, act, "choices", "server", 0, {"log_channel": None}, {"log_channel": 5})
    assert changed([entry, None], DEFAULT).text == "✅ Log channel: none → <#5>"
    assert changed([None], DEFAULT).text == "✅ That is so already: nothing was changed."
    text = refused(BadOption("x", "Choose one.")).text
    assert text == "❌ Choose one.\n-# Nothing was changed."


def test_a_test_post_has_a_picture_in_its_box_and_wakes_nobody() -> None:
    """The picture is a real one."""
    image = Image.open(io.BytesIO(picture()))
    image.load()
    assert (image.format, image.size, image.getpixel((5, 5))) == ("PNG", (32, 32), (88, 101, 242))
    message = content()
    assert message["embed"].image.url == f"attachment://{message['file'].filename}"
    assert message["silent"]
    assert message["allowed_mentions"].to_dict() == {"parse": []}
