"""Sentences from outside lose their secrets before anybody sees them."""

from __future__ import annotations

import pytest

from bot.pika.redact import HIDDEN, Redactor

TOKEN = "user:123-abcdefABCDEF"
DISCORD = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"token {TOKEN} is wrong",
        f"discord={DISCORD}",
        f"Authorization: Bearer {TOKEN}",
        "see https://cdn.discordapp.com/a/b.mp4?ex=1&hm=sig-secret for it",
        "no user:99-other-secret here",
        "someone MTIzNDU2Nzg5MDEyMzQ1Njc4.Xabcde.zyxwvutsrqponmlkjihgfedcba-secret",
        "replyUrl https://bot.example/callbacks/path-secret",
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    """Ours by value, those of others by their looks."""
    shown = Redactor(TOKEN, DISCORD).clean(text)
    assert HIDDEN in shown
    for secret in (TOKEN, DISCORD, "sig-secret", "other-secret", "fedcba-secret", "path-secret"):
        assert secret not in shown


def test_the_sentence_survives() -> None:
    """One line, without mentions and control characters, at most 300 characters."""
    assert Redactor().clean("<@42>\n Sorry,\tyour \x00input\u202e\x85  ") == "Sorry, your input"
    assert len(Redactor().clean("x " * 1000)) <= 300
    assert Redactor("a").clean(None) == ""


def test_its_repr_shows_no_secret() -> None:
    """A redactor in a traceback gives nothing away."""
    assert TOKEN not in repr(Redactor(TOKEN))
    assert repr(Redactor(TOKEN).also(DISCORD, None)) == "Redactor(2 secrets)"
