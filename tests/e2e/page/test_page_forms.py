"""Forms with every input there is, filled in, refused and submitted."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.hands import FORM, Hands
from tests.e2e.page.parts import button, label, look, row
from tests.e2e.town import picture


async def test_a_form_with_every_input(hands: Hands, open_page: OpenPage, tmp_path: Path) -> None:
    """A form is filled in with the keyboard, refuses what it must, and all values arrive."""
    await hands.commands({"name": "edit", "description": "Opens a form"})
    options = [{"label": f"Choice {n}", "value": f"v{n}"} for n in range(1, 4)]
    hands.answers["edit"] = {
        "type": FORM,
        "data": {
            "custom_id": "form:1", "title": "Edit everything",
            "components": [
                label("Name", {"type": 4, "custom_id": "name", "style": 1, "min_length": 3,
                               "max_length": 10}, description="Three letters or more"),
                label("Story", {"type": 4, "custom_id": "story", "style": 2, "required": False,
                                "value": "as it was"}),
                label("Kind", {"type": 3, "custom_id": "kind", "options": options}),
                label("Picture", {"type": 19, "custom_id": "files", "min_values": 1}),
                label("Tone", {"type": 21, "custom_id": "tone", "options": options}),
            ],
        },
    }  # fmt: skip
    hands.answers["form:1"] = hands.say("Saved", private=True)
    image = tmp_path / "fox.png"
    image.write_bytes(picture())
    visit = await look(hands, open_page)
    await visit.use("edit")
    form = visit.page.get_by_role("dialog", name="Edit everything")
    await expect(form).to_be_visible()
    await expect(form.get_by_label("Name *")).to_be_focused()
    await visit.page.keyboard.type("ab")
    await form.get_by_role("button", name="Submit").click()
    await expect(form.locator(".field-problem:visible")).to_have_text(
        ["At least 3 characters.", *["This field is required."] * 3]
    )
    await expect(form.get_by_label("Name *")).to_be_focused()
    for _ in range(25):  # nothing outside of the form can be reached
        await visit.page.keyboard.press("Tab")
        outside = (
            "!document.activeElement.closest('dialog') && document.activeElement !== document.body"
        )
        assert not await visit.page.evaluate(outside)

    await form.get_by_label("Name *").fill("abc")
    await form.get_by_role("combobox", name="Kind").click()
    await visit.page.get_by_role("option", name="Choice 2").click()
    await form.locator("input[type=file]").set_input_files(image)
    await form.get_by_label("Choice 3").check()
    await form.get_by_role("button", name="Submit").click()
    await expect(visit.message("Saved")).to_be_visible()
    await expect(form).to_have_count(0)
    await expect(visit.page.locator("#text")).to_be_focused()
    told = await hands.told("form:1")
    sent = {c["component"]["custom_id"]: c["component"] for c in told["components"]}
    assert sent["name"]["value"] == "abc"
    assert sent["story"]["value"] == "as it was"
    assert sent["kind"]["values"] == ["v2"]
    assert sent["tone"]["value"] == "v3"
    [file] = told["resolved"]["attachments"].values()
    assert (file["filename"], sent["files"]["values"]) == ("fox.png", [file["id"]])


async def test_a_form_of_the_older_kind_with_ticks_and_people(
    hands: Hands, open_page: OpenPage
) -> None:
    """Rows with a text input, a group of ticks, one tick, people; a form that the bot leaves
    unanswered says so and keeps what was typed; it is left with Escape.
    """
    options = [{"label": f"Tick {n}", "value": f"t{n}"} for n in range(1, 4)]
    hands.answers["open"] = {
        "type": FORM,
        "data": {
            "custom_id": "old", "title": "Older",
            "components": [
                row({"type": 4, "custom_id": "text", "style": 1, "label": "Words"}),
                label("Ticks", {"type": 22, "custom_id": "ticks", "options": options,
                                "max_values": 2}),
                label("Agreed", {"type": 23, "custom_id": "agreed"}),
                label("Who", {"type": 5, "custom_id": "who", "required": False}),
            ],
        },
    }  # fmt: skip
    await hands.post(content="A form", components=[row(button("Open", "open"))])
    visit = await look(hands, open_page)
    opener = visit.page.get_by_role("button", name="Open", exact=True)
    await opener.click()
    form = visit.page.get_by_role("dialog", name="Older")
    await form.get_by_label("Words *").fill("typed")
    await form.get_by_label("Tick 1").check()
    await form.get_by_label("Tick 3").check()
    await form.get_by_label("Agreed").check()
    await form.get_by_role("combobox", name="Who").click()
    await visit.page.keyboard.type("bob")
    await visit.page.keyboard.press("Enter")
    await form.get_by_role("button", name="Submit").click()
    told = await hands.told("old")
    assert told["components"][1]["component"]["values"] == ["t1", "t3"]
    assert told["components"][2]["component"]["value"] is True
    assert told["components"][3]["component"]["values"] == [str(hands.bob.id)]
    await expect(form.get_by_role("alert").first).to_contain_text("Something went wrong")
    await expect(form.get_by_label("Words *")).to_have_value("typed")
    await visit.page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(opener).to_be_focused()
