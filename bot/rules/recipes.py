"""From what a member typed to a recipe for Pika, or to a sentence that says what to change."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from bot.errors import BadRecipe
from bot.model import MESSAGE_LIMIT, PROMPT_LIMIT, Flags, Font, Picture, Recipe, Verb
from bot.rules.flags import written

_WRITABLE = re.compile(r"[ -~]+")
_JOINERS = "\u200c\u200d"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols by category, which every font leaves blank."""


def compose(
    verb: Verb,
    *,
    prompt: str | None,
    flags: Flags,
    message: str | None = None,
    font: str | None = None,
    image: Picture | None = None,
    message_image: Picture | None = None,
) -> Recipe:
    """The recipe for these options. Raises ``BadRecipe`` naming the option to change."""
    words = _clean("prompt", prompt or "")
    if not words and verb is not Verb.ANIMATE:
        raise BadRecipe("prompt", "The prompt is empty. Describe the video you want.")
    if verb is Verb.ANIMATE and image is None:
        raise BadRecipe("image", "`/animate` needs an image to animate.")
    if verb is Verb.ENCRYPT_IMAGE and message_image is None:
        raise BadRecipe("message", "`/encrypt_image` needs an image to hide as `message`.")
    if flags.negative is not None:
        flags = replace(flags, negative=_clean("negative", flags.negative))
    text = written(flags, words)
    if len(text) > PROMPT_LIMIT:
        raise BadRecipe(
            "prompt",
            f"The prompt is {len(text)} characters long with its flags; Pika takes "
            f"{PROMPT_LIMIT}. Shorten it by {len(text) - PROMPT_LIMIT}.",
        )
    return Recipe(
        verb=verb,
        prompt=text,
        message=_message(message) if verb is Verb.ENCRYPT_TEXT else None,
        font=_font(font),
        image=image,
        message_image=message_image,
    )


def _clean(option: str, text: str) -> str:
    """``text`` on one line, in composed characters, without anything invisible.

    Line breaks and tabs become spaces, as a slash command's box has none. Other control
    characters, and the invisible ones that reorder text, are refused: what a moderator
    reads must be what Pika reads.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = re.sub(r"[\r\n\t\u2028\u2029]+", " ", unicodedata.normalize("NFC", text)).strip()
    if not text.strip(_JOINERS + " "):
        return ""
    for position, character in enumerate(text, start=1):
        if _invisible(character):
            raise BadRecipe(
                option,
                f"`{option}` has an invisible character (U+{ord(character):04X}) at position "
                f"{position}. Delete it, or type the text again instead of pasting it.",
            )
    return text


def _invisible(character: str) -> bool:
    category = unicodedata.category(character)
    # Joiners shape emoji and several scripts; they stay.
    return (
        category in {"Cc", "Cs", "Co"}
        or (category == "Cf" and character not in _JOINERS)
        or character in _BLANK_LETTERS
    )


def _message(message: str | None) -> str:
    text = _clean("message", message or "")
    if not text:
        raise BadRecipe("message", "The message is empty. Write what the video should hide.")
    if len(text) > MESSAGE_LIMIT:
        raise BadRecipe(
            "message",
            f"The message is {len(text)} characters long; Pika takes {MESSAGE_LIMIT}.",
        )
    if not _WRITABLE.fullmatch(text):
        strange = next(c for c in text if not _WRITABLE.fullmatch(c))
        raise BadRecipe(
            "message",
            f"Pika's fonts cannot write “{strange}”. Use Latin letters without accents, "
            "digits and plain punctuation.",
        )
    return text


def _font(font: str | None) -> Font | None:
    if font is None:
        return None
    try:
        return Font(font)
    except ValueError:
        raise BadRecipe("font", f"`font` must be one of {', '.join(Font)}.") from None
