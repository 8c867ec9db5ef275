"""Panels with many parts, cards with a video and buttons, and what is deleted under one's eyes."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, expect

from tests.e2e.page.conftest import OpenPage, OpenWindow
from tests.e2e.page.hands import FORM, MESSAGE, UPDATE, UPDATE_LATER, Hands, Json
from tests.e2e.page.parts import LAYOUT, button, container, label, look, preset, row, section
from tests.e2e.page.readable import problems
from tests.e2e.page.visit import Visit
from tests.e2e.town import clip

PRIVATE = 1 << 6
TEXT_CHANNEL = 0
DIGESTS = ("Never", "Every day", "Every week")


class Panel:
    """Settings as a bot keeps them, and the panel that shows them."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self.review = False
        self.channels: list[Any] = [hands.channel]
        self.roles: list[Any] = []
        self.reviewers: list[Any] = [hands.mara, hands.bob]
        self.digest = "Never"

    @property
    def parts(self) -> list[Json]:
        """The components: 13 of them can be used."""
        now = f"{len(self.channels)} channels, {len(self.roles)} roles, {self.digest}"
        digests = [{"label": one, "value": one, "default": one == self.digest} for one in DIGESTS]
        return [
            container(
                {"type": 10, "content": f"## Settings\n-# {now}"},
                {"type": 14, "spacing": 2},
                section("**Review**\nA moderator looks first.",
                        button("On" if self.review else "Off", "review")),
                section("**Result place**", button("Change place", "place")),
                section("**Retention**", button("Change retention", "keep")),
                {"type": 14},
                row({"type": 8, "custom_id": "channels", "channel_types": [TEXT_CHANNEL],
                     "min_values": 0, "max_values": 25, "placeholder": "In every channel",
                     "default_values": preset("channel", *self.channels)}),
                row({"type": 6, "custom_id": "roles", "min_values": 0, "max_values": 5,
                     "placeholder": "No role is barred",
                     "default_values": preset("role", *self.roles)}),
                row({"type": 5, "custom_id": "reviewers", "min_values": 1, "max_values": 2,
                     "placeholder": "Reviewers",
                     "default_values": preset("user", *self.reviewers)}),
                row({"type": 3, "custom_id": "digest", "options": digests}),
                row(button("Save", "save", 1), button("Reset", "reset", 4),
                    {"type": 2, "style": 5, "label": "Help", "url": "https://example.org/"}),
                row(button("Back", "back"), button("Next", "next"), button("Close", "close")),
                accent_color=0x5865F2,
            ),
        ]  # fmt: skip

    def shown(self, kind: int = UPDATE) -> Json:
        """An answer with the panel as it is now."""
        flags = LAYOUT | (PRIVATE if kind == MESSAGE else 0)
        return {"type": kind, "data": {"flags": flags, "components": self.parts}}

    def listen(self) -> None:
        """Take what is chosen, and redraw the panel in place."""
        there = {c.id: c for c in (self.hands.channel, self.hands.other)}

        def channels(interaction: Json) -> Json:
            self.channels = [there[int(value)] for value in interaction["data"]["values"]]
            return self.shown()

        def roles(interaction: Json) -> Json:
            chosen = interaction["data"]["values"]
            self.roles = [self.hands.guild.roles[int(value)] for value in chosen]
            return self.shown()

        def digest(interaction: Json) -> Json:
            [self.digest] = interaction["data"]["values"]
            return self.shown()

        def review(_: Json) -> Json:
            self.review = not self.review
            return self.shown()

        self.hands.answers |= {
            "settings": lambda _: self.shown(MESSAGE), "channels": channels, "roles": roles,
            "digest": digest, "review": review,
        }  # fmt: skip


def menu(visit: Visit, name: str) -> Locator:
    """A select menu."""
    return visit.page.locator(f'.select[data-custom="{name}"]')


async def open_panel(hands: Hands, open_page: OpenPage) -> tuple[Panel, Visit, Locator]:
    """Alice asks for the settings: the panel, her window, and the answer in it."""
    panel = Panel(hands)
    panel.listen()
    await hands.commands({"name": "settings", "description": "Shows the settings"})
    visit = await look(hands, open_page)
    return panel, visit, await visit.answer("settings")


async def test_a_settings_panel_is_used_part_by_part(hands: Hands, open_page: OpenPage) -> None:
    """Every part is drawn, shows what is preset, reaches the bot and is redrawn in place: the
    message stays the same, and the focus stays where it was. Closed, it is gone.
    """
    panel, visit, shown = await open_panel(hands, open_page)
    page, keys = visit.page, visit.page.keyboard
    await expect(shown.locator("button.button:visible, a.button")).to_have_count(9)
    await expect(shown.locator(".select")).to_have_count(4)
    await expect(shown.get_by_role("separator")).to_have_count(2)
    await expect(menu(visit, "channels")).to_have_text("#stage")
    await expect(menu(visit, "roles")).to_have_text("No role is barred")
    await expect(menu(visit, "reviewers")).to_have_text("Mara, Bob")
    await expect(menu(visit, "digest")).to_have_text("Never")
    assert await problems(page) == []

    await shown.get_by_role("button", name="Off").click()
    await expect(shown.get_by_role("button", name="On", exact=True)).to_be_focused()

    await menu(visit, "channels").click()
    await expect(page.get_by_role("option")).to_have_text(["stage", "backstage"])
    await page.get_by_role("option", name="backstage").click()
    await keys.press("Tab")
    await expect(menu(visit, "channels")).to_have_text("#stage, #backstage")
    await expect(shown).to_contain_text("2 channels, 0 roles")
    assert panel.channels == [hands.channel, hands.other]
    await expect(menu(visit, "channels")).to_be_focused()
    await keys.press("Enter")
    for name in ("stage", "backstage"):
        await page.get_by_role("option", name=name, exact=True).click()
    await page.locator(".place-name").click()  # beside the list: it closes
    await expect(shown).to_contain_text("0 channels, 0 roles")
    await expect(menu(visit, "channels")).to_have_text("In every channel")
    assert (await hands.told("channels", 2))["values"] == []

    await menu(visit, "roles").click()
    await page.get_by_role("option", name="@Crew").click()
    await keys.press("Tab")
    await expect(shown).to_contain_text("0 channels, 1 roles")
    await expect(menu(visit, "roles")).to_have_text("@Crew")
    assert panel.roles == [hands.crew]

    await menu(visit, "digest").click()
    await page.get_by_role("option", name="Every week").click()
    await expect(shown).to_contain_text("1 roles, Every week")
    await expect(menu(visit, "digest")).to_have_text("Every week")
    assert panel.digest == "Every week"
    await expect(menu(visit, "digest")).to_be_focused()

    # More people than may be chosen cannot be; none is told to be too few.
    await menu(visit, "reviewers").click()
    await page.get_by_role("option", name="Alice").click()
    await expect(page.get_by_role("option", name="Alice")).to_have_attribute(
        "aria-selected", "false"
    )
    for name in ("Mara", "Bob"):
        await page.get_by_role("option", name=name).click()
    await keys.press("Tab")
    await expect(visit.notes("Choose 1 to 2.")).to_be_visible()
    await expect(menu(visit, "reviewers")).to_have_text("Mara, Bob")
    await expect(visit.messages).to_have_count(1)

    hands.answers["close"] = {"type": UPDATE_LATER}
    await shown.get_by_role("button", name="Close").click()
    await hands.take_back("close")
    await expect(visit.messages).to_have_count(0)


async def test_what_a_menu_presets_may_be_out_of_sight(hands: Hands, open_page: OpenPage) -> None:
    """A channel that this member cannot see has no name for them, and no number either."""
    hidden = hands.guild.create_text_channel("hidden")
    panel = Panel(hands)
    panel.channels = [hidden]
    parts = panel.parts
    hidden.delete()
    await hands.post(flags=LAYOUT, components=parts)
    visit = await look(hands, open_page)
    await expect(menu(visit, "channels")).to_have_text("unknown")


async def test_a_form_from_a_button_changes_the_panel(hands: Hands, open_page: OpenPage) -> None:
    """Texts and menus in labels, with presets that are sent when they are left alone; the answer
    to the form redraws the panel.
    """
    panel, visit, shown = await open_panel(hands, open_page)
    how = [{"label": "As a reply", "value": "reply", "default": True},
           {"label": "As a new message", "value": "new"}]  # fmt: skip
    fields = [
        {"type": 10, "content": "Where videos **go**."},
        label("Where", {"type": 8, "custom_id": "where", "channel_types": [TEXT_CHANNEL],
                        "default_values": preset("channel", hands.other)}),
        label("Who is told", {"type": 6, "custom_id": "roles", "required": False,
                              "max_values": 3}, description="Roles"),
        label("How", {"type": 3, "custom_id": "how", "options": how}),
        label("Words", {"type": 4, "custom_id": "words", "style": 2, "required": False}),
    ]  # fmt: skip
    data = {"custom_id": "place:form", "title": "Result place", "components": fields}
    hands.answers["place"] = {"type": FORM, "data": data}
    hands.answers["place:form"] = lambda _: panel.shown()
    await shown.get_by_role("button", name="Change place").click()
    form = visit.page.get_by_role("dialog", name="Result place")
    await expect(form.locator("strong")).to_have_text("go")
    await expect(form.get_by_role("combobox", name="Where")).to_have_text("#backstage")
    await expect(form.get_by_role("combobox", name="How")).to_have_text("As a reply")
    await form.get_by_role("combobox", name="Who is told").click()
    await visit.page.get_by_role("option", name="@Crew").click()
    await visit.page.keyboard.press("Tab")
    await form.get_by_label("Words").fill("Here it is")
    panel.review = True
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0)
    await expect(shown.get_by_role("button", name="On", exact=True)).to_be_visible()
    told = await hands.told("place:form")
    sent = [one["component"] for one in told["components"] if "component" in one]
    assert [one.get("values", one.get("value")) for one in sent] == [
        [str(hands.other.id)], [str(hands.crew.id)], ["reply"], "Here it is",
    ]  # fmt: skip
    assert told["resolved"]["channels"].keys() == {str(hands.other.id)}
    assert told["resolved"]["roles"].keys() == {str(hands.crew.id)}


async def test_a_form_from_a_menu(hands: Hands, open_page: OpenPage) -> None:
    """Choosing opens it; left with Cancel, nothing is sent and the menu has the focus again."""
    reasons = [{"label": one, "value": one} for one in ("Spam", "Something else")]
    await hands.post(
        content="Why?", components=[row({"type": 3, "custom_id": "why", "options": reasons})]
    )
    words = label("Tell us", {"type": 4, "custom_id": "words", "style": 1, "min_length": 2})
    data = {"custom_id": "why:form", "title": "Your reason", "components": [words]}
    hands.answers["why"] = {"type": FORM, "data": data}
    hands.answers["why:form"] = {"type": UPDATE, "data": {"content": "Noted", "components": []}}
    visit = await look(hands, open_page)
    for reason, end in (("Something else", "Cancel"), ("Spam", "Submit")):
        await menu(visit, "why").click()
        await visit.page.get_by_role("option", name=reason).click()
        form = visit.page.get_by_role("dialog", name="Your reason")
        await form.get_by_label("Tell us *").fill("It is")
        await form.get_by_role("button", name=end).click()
        await expect(form).to_have_count(0)
        if end == "Cancel":
            await expect(menu(visit, "why")).to_be_focused()
    await expect(visit.message("Noted")).to_be_visible()
    assert len([one for one in hands.heard if one["type"] == 5]) == 1


async def test_buttons_vanish_under_a_video_that_plays_on(
    hands: Hands, open_page: OpenPage
) -> None:
    """A card with a video and rows of buttons: decided, it has none any more; the video is the
    same one, and has not stopped for it.
    """
    rows = [row(button("Approve", "yes", 3), button("Reject", "no", 4), button("Explain", "why")),
            row(button("Redo", "redo"), button("Share", "share"), button("Delete", "gone", 4)),
            row({"type": 3, "custom_id": "block", "placeholder": "Block for …",
                 "options": [{"label": "A day", "value": "24"}]})]  # fmt: skip
    card = await hands.post(files={"fox.mp4": clip()}, content="Job 7", components=rows)
    decided = {"content": "Job 7, approved", "components": []}
    hands.answers["yes"] = {"type": UPDATE, "data": decided}
    visit = await look(hands, open_page)
    shown = visit.message("Job 7")
    await expect(shown.locator(".components button")).to_have_count(7)
    video = shown.locator("video")
    await video.evaluate("video => { video.loop = video.muted = true; return video.play(); }")
    playing = await video.element_handle()
    assert playing is not None
    await shown.get_by_role("button", name="Approve").click()
    await expect(visit.message("Job 7, approved")).to_be_visible()
    await expect(shown.locator(".components")).to_have_count(0)
    kept = [{"id": str(card.attachments[0].id)}]
    await hands.edit(card, content="Job 7, shared", attachments=kept)
    await expect(visit.message("Job 7, shared")).to_be_visible()
    assert await playing.evaluate("video => video.isConnected && !video.paused && !video.error")
    await visit.page.wait_for_function(
        "([video, at]) => video.currentTime !== at",
        arg=[playing, await playing.evaluate("video => video.currentTime")],
    )


async def test_what_is_deleted_is_gone_for_everybody_at_once(
    hands: Hands, open_page: OpenPage, open_window: OpenWindow
) -> None:
    """While one plays it and another chooses in it or replies to it: it vanishes, with what was
    open beside it; who had replied is shown that the original is no more.
    """
    options = [{"label": f"Choice {n}", "value": f"v{n}"} for n in range(3)]
    several = {"type": 3, "custom_id": "some", "options": options, "max_values": 3}
    video = await hands.post(files={"fox.mp4": clip()}, content="Job 7", components=[row(several)])
    await hands.post(content="a fine one", message_reference={"message_id": str(video.id)})
    alice = await look(hands, open_page)
    bob = await open_window(alice.url)
    await bob.be("bob")
    await bob.messages.locator("video").evaluate("video => { video.loop = true; video.play(); }")
    original = bob.messages.first
    await original.hover()
    await original.get_by_role("button", name="More for this message").click()
    await bob.page.get_by_role("menuitem", name="Reply").click()
    await expect(bob.page.locator("#reply-bar")).to_be_visible()
    await bob.page.keyboard.type("half a thought")
    await menu(alice, "some").click()
    await alice.page.get_by_role("option", name="Choice 1").click()

    await hands.delete(video)
    for visit in (alice, bob):
        await expect(visit.messages).to_have_count(1)
        await expect(visit.message("a fine one").locator(".above-line")).to_have_text(
            "Original message was deleted"
        )
    await expect(alice.page.locator(".popup")).to_have_count(0)
    await expect(bob.page.locator("#reply-bar")).to_be_hidden()
    await bob.page.keyboard.type(" and the rest")
    await bob.page.keyboard.press("Enter")
    await expect(alice.message("half a thought and the rest")).to_be_visible()
    assert hands.heard == []
