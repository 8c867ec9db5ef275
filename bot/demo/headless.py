"""A scripted member asks for two videos in a thread; the terminal shows what people would see."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bot.demo.picture import sunset
from bot.demo.stage import Stage
from bot.sandbox.discord import ClientRefused, DidNotRespond, Invocation, Message, Upload

RENDER_SECONDS = 4.0
PATIENCE_SECONDS = 60.0
FAILED = "❌"
"""How a card begins to say that there will be no video."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A video that arrived, and whether it is the one that Pika made."""

    message: Message
    video: bytes
    genuine: bool


class Transcript:
    """Lines with the seconds since the beginning."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._began = time.monotonic()

    def say(self, who: str, text: str, style: str = "") -> None:
        """One line; ``text`` is shown as it is."""
        self._console.print(f"[dim]{self.seconds:5.1f} s[/]", f"[bold]{who:>6}[/]", end="  ")
        self._console.print(text.replace("\n", "  "), style=style, markup=False)

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began


async def headless_demo(output: Path, on: Stage | None = None) -> bool:
    """Run the demo; whether every video asked for arrived as Pika made it.

    The first one is saved to ``output``. ``on`` is a stage that was not entered yet.
    """
    transcript = Transcript()
    transcript.say("demo", "starting an embedded Discord, an embedded Pika and the bot …", "dim")
    try:
        async with on or Stage(render_seconds=RENDER_SECONDS) as stage:
            transcript.say("demo", f"the bot is in “{stage.guild.name}”", "dim")
            try:
                videos = await _play(stage, transcript)
            except (TimeoutError, ClientRefused, DidNotRespond) as error:
                transcript.say("demo", f"not delivered: {error}", "red")
                transcript.say("log", stage.bot.log(), "dim")
                return False
            return await _summary(stage, videos, transcript, output)
    except (RuntimeError, OSError) as error:
        transcript.say("demo", str(error), "red")
        return False


async def _play(stage: Stage, transcript: Transcript) -> list[Delivered]:
    create = {"prompt": "a fox runs through fresh snow at dawn", "aspect_ratio": "16:9", "seed": 7}
    encrypt = {
        "message": "HELLO",
        "prompt": "waves at sunset, overhead shot",
        "font": "RETRO",
        "image": Upload("sunset.png", "image/png", sunset()),
    }
    wishes = [("create", create), ("encrypt_text", encrypt)]
    return list(
        await asyncio.gather(*(_ask(stage, transcript, verb, opts) for verb, opts in wishes))
    )


async def _ask(
    stage: Stage, transcript: Transcript, verb: str, options: dict[str, object]
) -> Delivered:
    shown = " ".join(
        f"{name}:{value.filename if isinstance(value, Upload) else value}"
        for name, value in options.items()
    )
    transcript.say("alice", f"/{verb} {shown}", "cyan")
    invocation = await stage.discord.invoke(stage.alice, stage.thread, verb, **options)
    await invocation.acknowledged()
    card = await invocation.answered()
    transcript.say("bot", f"{_spoken(card)} (answered in {invocation.ack_seconds:.3f} s)")
    if invocation.ephemeral:
        raise ClientRefused(card.text)
    return await _delivery(stage, transcript, invocation, card)


async def _delivery(
    stage: Stage, transcript: Transcript, invocation: Invocation, card: Message
) -> Delivered:
    """Tell what the card says until the video is there."""
    seen = [card.text]

    def arrived() -> Message | None:
        if card.text != seen[-1]:
            seen.append(card.text)
            transcript.say("bot", _spoken(card))
        if FAILED in card.text:
            raise ClientRefused(card.text)
        answers = (
            message
            for message in stage.thread.messages
            if message.attachments and _answers(message, invocation)
        )
        return next(answers, None)

    message = await stage.discord.wait_for(arrived, timeout=PATIENCE_SECONDS)
    assert message is not None  # wait_for returns what is true
    attachment = message.attachments[0]
    words = _spoken(message).replace(f"<@{stage.alice.id}>", "@alice").replace("-# ", "")
    transcript.say("bot", f"{words} [{attachment.filename}]", "green")
    video = attachment.read()
    made = {job.video_sha256 for job in stage.pika.jobs.values()}
    return Delivered(message, video, hashlib.sha256(video).hexdigest() in made)


def _answers(message: Message, invocation: Invocation) -> bool:
    card = invocation.message
    reference = message.reference or {}
    return card is not None and str(reference.get("message_id")) == str(card.id)


def _spoken(card: Message) -> str:
    return card.text.replace("\n", " · ")


async def _summary(
    stage: Stage, videos: list[Delivered], transcript: Transcript, output: Path
) -> bool:
    await asyncio.to_thread(output.write_bytes, videos[0].video)
    for video in videos:
        attachment = video.message.attachments[0]
        verdict = "is byte for byte what Pika made" if video.genuine else "IS NOT WHAT PIKA MADE"
        transcript.say("demo", f"{attachment.filename}: {attachment.size:,} bytes, {verdict}")
    good = all(video.genuine for video in videos)
    asked, posted = len(stage.pika.accepted), len(videos)
    transcript.say(
        "demo",
        f"{posted} videos asked for, {asked} made by Pika, {posted} posted into "
        f"#{stage.thread.name} in {transcript.seconds:.1f} s; the first is saved as {output}",
        "bold green" if good else "bold red",
    )
    return good and asked == posted
