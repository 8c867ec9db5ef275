"""From what a member typed to what Pika gets."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadRecipe
from bot.model import MESSAGE_LIMIT, PROMPT_LIMIT, Flags, Font, Recipe, Verb
from bot.rules.recipes import compose
from tests.fakes import picture


def _create(prompt: str | None, **options: Any) -> Recipe:
    return compose(Verb.CREATE, prompt=prompt, flags=options.pop("flags", Flags()), **options)


def _hide(message: str | None, **options: Any) -> Recipe:
    return compose(Verb.ENCRYPT_TEXT, prompt="x", message=message, flags=Flags(), **options)


def _refusal(make: Any) -> BadRecipe:
    with pytest.raises(BadRecipe) as refused:
        make()
    return refused.value


def test_a_prompt_becomes_a_recipe() -> None:
    """Nothing is added that nobody asked for."""
    assert _create("a fox") == Recipe(Verb.CREATE, "a fox")


@pytest.mark.parametrize("prompt", [None, "", "   ", "\n\t", "\u2028", "\u3000"])
@pytest.mark.parametrize("verb", [v for v in Verb if v is not Verb.ANIMATE])
def test_an_empty_prompt_is_refused(verb: Verb, prompt: str | None) -> None:
    """Whatever kind of nothing it is."""
    refused = _refusal(
        lambda: compose(verb, prompt=prompt, flags=Flags(), message="x", message_image=picture())
    )

    assert refused.field == "prompt"


@pytest.mark.parametrize("prompt", ["\u200d", "\u200c \u200d", "\u3164", "\u2800", "\u115f\u1160"])
def test_a_prompt_of_invisible_letters_is_refused(prompt: str) -> None:
    """A card that shows nothing tells a moderator nothing."""
    assert _refusal(lambda: _create(prompt)).field == "prompt"


def test_animate_needs_no_prompt_but_an_image() -> None:
    """The other way round than every other verb."""
    image = picture()

    assert compose(Verb.ANIMATE, prompt=None, flags=Flags(), image=image) == Recipe(
        Verb.ANIMATE, "", image=image
    )
    refused = _refusal(lambda: compose(Verb.ANIMATE, prompt="x", flags=Flags()))
    assert refused.field == "image"


def test_encrypt_image_needs_the_picture_to_hide() -> None:
    """Its option is called ``message``, and so says the refusal."""
    refused = _refusal(
        lambda: compose(Verb.ENCRYPT_IMAGE, prompt="x", flags=Flags(), image=picture())
    )

    assert refused.field == "message"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("  a fox ", "a fox"),
        ("a\nfox", "a fox"),
        ("a\r\n\r\nfox", "a fox"),
        ("a\tfox", "a fox"),
        ("a\u2028fox\u2029runs", "a fox runs"),
        ("e\u0301clair", "éclair"),
        ("👩\u200d🚀 in space", "👩\u200d🚀 in space"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("❤\ufe0f", "❤\ufe0f"),
    ],
)
def test_a_prompt_is_one_line_of_composed_text(typed: str, sent: str) -> None:
    """Line breaks become spaces, accents one character; emoji and scripts stay whole."""
    assert _create(typed).prompt == sent


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\0", "nul"),
        ("\x07", "bell"),
        ("\x1b", "escape"),
        ("\x7f", "delete"),
        ("\x85", "next line"),
        ("\u00ad", "soft hyphen"),
        ("\u200b", "zero width space"),
        ("\u200e", "left-to-right mark"),
        ("\u202e", "right-to-left override"),
        ("\u2060", "word joiner"),
        ("\u2066", "isolate"),
        ("\u3164", "hangul filler"),
        ("\uffa0", "halfwidth hangul filler"),
        ("\u2800", "blank braille"),
        ("\ufeff", "byte order mark"),
        ("\ue000", "private use"),
        ("\ud800", "lone surrogate"),
        ("\U000e0041", "tag letter"),
    ],
)
def test_an_invisible_character_is_refused_and_named(character: str, name: str) -> None:
    """What a moderator reads is what Pika reads; the member learns where to look."""
    refused = _refusal(lambda: _create(f"ab{character}cd"))

    assert refused.field == "prompt", name
    assert f"U+{ord(character):04X}" in str(refused)
    assert "position 3" in str(refused)
    str(refused).encode()  # can be sent


def test_negative_words_are_cleaned_like_the_prompt() -> None:
    """They are part of what Pika reads."""
    recipe = _create("x", flags=Flags(negative=" blurry\nhands "))

    assert recipe.prompt == 'x -neg "blurry hands"'
    for negative in ("a\u202eb", "\0"):
        refused = _refusal(lambda n=negative: _create("x", flags=Flags(negative=n)))
        assert refused.field == "negative"
    assert _refusal(lambda: _create("x", flags=Flags(negative=" \n "))).field == "negative"


def test_a_prompt_of_exactly_the_limit_is_taken() -> None:
    """1500, not 1499."""
    assert len(_create("x" * PROMPT_LIMIT).prompt) == PROMPT_LIMIT == 1500


def test_flags_count_into_the_limit() -> None:
    """The refusal says by how much to shorten."""
    flags = Flags(motion=1)  # " -motion 1": ten characters

    assert len(_create("x" * 1490, flags=flags).prompt) == 1500
    refused = _refusal(lambda: _create("x" * 1493, flags=flags))
    assert refused.field == "prompt"
    assert "1503" in str(refused)
    assert str(refused).endswith("Shorten it by 3.")


def test_the_limit_counts_characters_after_composing() -> None:
    """An accent typed as two characters is one for Pika."""
    assert len(_create("e\u0301" * 1500).prompt) == 1500
    assert _refusal(lambda: _create("\u0958" * 1000)).field == "prompt"  # composes to two each


@pytest.mark.parametrize("message", ["a", "x" * MESSAGE_LIMIT, "Hi, it's #1 (~`@!)", " padded "])
def test_a_writable_message_is_taken(message: str) -> None:
    """Up to 20 plain characters."""
    assert _hide(message).message == message.strip()


@pytest.mark.parametrize("message", [None, "", "  ", "\n"])
def test_an_empty_message_is_refused(message: str | None) -> None:
    """There is nothing to hide."""
    assert _refusal(lambda: _hide(message)).field == "message"


def test_a_message_of_21_is_refused() -> None:
    """And told how long it is."""
    refused = _refusal(lambda: _hide("x" * 21))

    assert refused.field == "message"
    assert "21" in str(refused)
    assert "20" in str(refused)


@pytest.mark.parametrize("strange", ["é", "ß", "日", "😀", "–", "“"])
def test_a_message_that_pikas_fonts_cannot_write_is_refused(strange: str) -> None:
    """The character is named."""
    refused = _refusal(lambda: _hide(f"ab{strange}c"))

    assert refused.field == "message"
    assert strange in str(refused)


def test_a_message_with_a_control_character_is_refused() -> None:
    """Named by its number, as it cannot be shown."""
    assert "U+0000" in str(_refusal(lambda: _hide("a\0b")))


@pytest.mark.parametrize("font", Font)
def test_every_font_is_taken(font: Font) -> None:
    """By the name that the command offers."""
    assert _hide("x", font=str(font)).font is font


def test_no_font_is_left_to_pika() -> None:
    """It has a default of its own."""
    assert _hide("x").font is None


@pytest.mark.parametrize("font", ["Comic Sans", "modern", "", "SANS_SERIF"])
def test_an_unknown_font_is_refused(font: str) -> None:
    """The refusal lists those there are."""
    refused = _refusal(lambda: _hide("x", font=font))

    assert refused.field == "font"
    assert "SANS SERIF" in str(refused)


def test_a_message_of_another_verb_is_not_sent() -> None:
    """Only ``/encrypt_text`` hides words."""
    assert _create("x", message="secret").message is None


@given(st.text(max_size=200))
def test_a_taken_prompt_is_clean_and_stays_as_it_is(typed: str) -> None:
    """One line, composed, nothing invisible; cleaning it again changes nothing."""
    refused = None
    try:
        prompt = _create(typed).prompt
    except BadRecipe as error:
        refused = error
    if refused is not None:
        assert refused.field == "prompt"
        str(refused).encode()
        return
    assert prompt.strip() == prompt != ""
    assert unicodedata.is_normalized("NFC", prompt)
    assert not {unicodedata.category(c) for c in prompt} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert _create(prompt).prompt == prompt
