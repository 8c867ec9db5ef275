"""A window of the browser, and what a person does in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    FilePayload,
    Locator,
    Page,
    Request,
    expect,
)

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 860}, "color_scheme": "dark"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}
FALL = """([kind, target, files]) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files)
        data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
    const make = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
    const place = document.querySelector(target);
    const kinds = kind === "drop" ? ["dragenter", "dragover", "drop"] : [kind];
    const Kind = kind === "drop" ? DragEvent : ClipboardEvent;
    const taken = kinds.map((one) => !place.dispatchEvent(new Kind(one, make)));
    return taken.at(-1);
}"""
NEWEST = """() => [...document.querySelectorAll("[data-message]")].at(-1)?.dataset.message ?? "0"
"""
ANSWER = """([command, newest]) => {
    for (const answer of document.querySelectorAll("[data-message]")) {
        const named = answer.querySelector(".above-command")?.textContent === `/${command}`;
        const thinks = answer.querySelector(".thinking");
        const { message } = answer.dataset;
        if (named && !thinks && BigInt(message) > BigInt(newest)) return message;
    }
}"""
"""The id of a command's answer that is newer than a message."""
PATIENCE_MS = 30_000
"""How long what must happen may take; on an idle machine it takes a fraction."""
expect.set_options(timeout=PATIENCE_MS)


class Visit:
    """One window on the page. Use as an async context manager."""

    def __init__(self, browser: Browser, url: str, **window: Any) -> None:
        self.url = url
        self._browser = browser
        self._window = {**WIDE, **window}
        self.trouble: list[str] = []
        self._newest = "0"
        self.page: Page
        self._context: BrowserContext

    async def __aenter__(self) -> Self:
        self._context = await self._browser.new_context(**self._window)
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = await self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._broke)
        self.page.on("request", self._asked)
        await self.page.goto(self.url)
        await expect(self.page.locator("#servers .server")).not_to_have_count(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(f"{message.type}: {message.text}")

    def _broke(self, error: Error) -> None:
        self.trouble.append(f"uncaught: {error.message}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws") and address.hostname != "127.0.0.1":
            self.trouble.append(f"asked {request.url}")

    def check(self) -> None:
        """Nothing went wrong in this window."""
        assert self.trouble == []

    # -- acting -------------------------------------------------------------------------------

    async def go(self, channel: str) -> None:
        """Open a channel or thread by its name."""
        await self.page.locator("[data-channel]", has_text=channel).click()
        await expect(self.page.locator(".place-name")).to_have_text(channel)

    async def begin(self, command: str) -> Locator:
        """Type a command's name; its form."""
        form = self.page.locator(f'form.command[data-command="{command}"]')
        self._newest = await self.page.evaluate(NEWEST)
        await self.page.locator("#text").click()
        # What is offered depends on the bot, which may have just come.
        await expect(self.page.locator(".hint-commands button").first).to_be_attached()
        await self.page.keyboard.type(f"/{command} ")
        await expect(form).to_be_visible()
        return form

    def option(self, name: str) -> Locator:
        """The field of an option."""
        return self.page.locator(f'[data-option="{name}"]')

    async def add(self, name: str) -> Locator:
        """Add an optional option; its field."""
        await self.page.locator(".add-option", has_text=name).click()
        return self.option(name)

    async def use(self, command: str, **texts: str) -> None:
        """Fill in a command's text options and send it."""
        form = await self.begin(command)
        for name, text in texts.items():
            if not await self.option(name).count():
                await self.add(name)
            await self.option(name).locator("textarea, input").fill(text)
        await form.locator(".send").click()
        await expect(form).to_have_count(0)

    async def answer(self, command: str, **texts: str) -> Locator:
        """Use a command; the bot's answer to it."""
        await self.use(command, **texts)
        return await self.answered(command)

    async def answered(self, command: str) -> Locator:
        """The bot's answer to the command that was begun last, when it no longer thinks."""
        found = await self.page.wait_for_function(ANSWER, arg=[command, self._newest])
        return self.page.locator(f'[data-message="{await found.json_value()}"]')

    async def be(self, name: str) -> None:
        """Become somebody else."""
        person = self.page.locator(f'[data-person="{name}"]')
        await person.click()
        await expect(person).to_have_attribute("aria-pressed", "true")

    async def place_menu(self, entry: str) -> None:
        """Choose from the menu of the open place."""
        await self.page.locator('[data-focus="place-menu"]').click()
        await self.page.get_by_role("menuitem", name=entry).click()

    async def drop(self, target: str, *files: FilePayload) -> bool:
        """Let files fall on a place; whether the page took care of them."""
        return await self._fall("drop", target, files)

    async def paste(self, target: str, *files: FilePayload) -> bool:
        """Paste files there; whether the page took care of them."""
        return await self._fall("paste", target, files)

    async def _fall(self, kind: str, target: str, files: Sequence[FilePayload]) -> bool:
        described = [
            {"name": file["name"], "type": file["mimeType"], "bytes": list(file["buffer"])}
            for file in files
        ]
        taken: bool = await self.page.evaluate(FALL, [kind, target, described])
        return taken

    # -- looking ------------------------------------------------------------------------------

    @property
    def messages(self) -> Locator:
        """The messages of the open place."""
        return self.page.locator(".message")

    def message(self, words: str) -> Locator:
        """The last message with these words."""
        return self.messages.filter(has_text=words).last

    def notes(self, words: str) -> Locator:
        """A note at the edge of the page."""
        return self.page.locator(".note", has_text=words)

    async def plays(self, video: Locator) -> None:
        """A press on the picture lets the video run: time passes in it."""
        await expect(video).to_be_visible()
        await expect(video).to_have_js_property("error", None)
        await video.click()
        await self.page.wait_for_function(
            "video => video.currentTime > 0.4 && video.videoWidth > 0",
            arg=await video.element_handle(),
        )

    async def picture(self, path: Path) -> None:
        """Keep what is to be seen now."""
        await self.page.screenshot(path=path)
