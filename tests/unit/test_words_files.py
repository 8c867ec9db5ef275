"""A block list as a file: what people's programs write is read, what cannot be is named."""

from __future__ import annotations

import codecs

import pytest

from bot.errors import BadWords
from bot.rules.words import MOST_PHRASES, Listed, Then, parse, render


@pytest.mark.parametrize(
    "content",
    [
        b"bad\nb\xc3\xa4d word\n",
        b"bad\r\nb\xc3\xa4d word",
        "\ufeffbad\nb\u00e4d word\n".encode(),
        codecs.BOM_UTF16_LE + "bad\r\nb\u00e4d word\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "bad\nb\u00e4d word".encode("utf-16-be"),
        b'# ours\n\n"bad"\n  "b\xc3\xa4d word",\n',
        b"bad;\n   # indented\nb\xc3\xa4d   word  \n\n\n",
    ],
)
def test_lines_are_phrases_whatever_program_wrote_them(content: bytes) -> None:
    """Windows, spreadsheets and editors each have their ways."""
    imported = parse(content)

    assert imported.phrases == ("bad", "b\u00e4d word")
    assert imported.rejected == ()


def test_lines_that_cannot_be_used_are_named_and_the_others_taken() -> None:
    """One mistake does not cost the whole list."""
    imported = parse(b"bad\n*\nworse, worst\nBAD\n" + b"x" * 300 + b"\ngood\n")

    assert imported.phrases == ("bad", "good")
    assert [rejected.number for rejected in imported.rejected] == [2, 3, 4, 5]
    assert "match everything" in imported.rejected[0].why
    assert "One phrase at a time" in imported.rejected[1].why
    assert imported.rejected[2].why == "It is the same phrase as in line 1."
    assert imported.rejected[3].line == "x" * 80 + "…"


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0 a picture", b"b\xe4d", b"b\x00a\x00d\x00", b"bad\x00"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    """Rather than blocked as letters nobody wrote."""
    with pytest.raises(BadWords, match="plain text in UTF-8"):
        parse(content)


def test_a_file_that_is_too_large_is_refused_at_once() -> None:
    """By its size, and by its lines."""
    with pytest.raises(BadWords, match="KiB"):
        parse(b"x" * 1024 * 1025)
    with pytest.raises(BadWords, match="5,000 lines"):
        parse(b"x\n" * 5_000)


def test_a_list_that_is_too_long_is_cut_and_says_so() -> None:
    """The first two thousand are taken."""
    imported = parse("".join(f"word{place}\n" for place in range(MOST_PHRASES + 2)).encode())

    assert len(imported.phrases) == MOST_PHRASES
    assert [rejected.number for rejected in imported.rejected] == [2_001, 2_002]
    assert "full" in imported.rejected[0].why


def test_an_empty_file_is_an_empty_list() -> None:
    """No error: somebody may mean it."""
    assert parse(b"").phrases == ()
    assert parse(render([])).phrases == ()


def test_what_was_written_is_read_back() -> None:
    """An export is a backup."""
    phrases = ("bad", "b\u00e4d word", "*worse*", "w*st", "\u88f8\u4f53", "don't!", "review")
    entries = (*map(Listed, phrases), *(Listed(f"{each} too", Then.REVIEW) for each in phrases))

    assert parse(render(entries)).entries == entries


@pytest.mark.parametrize(
    "line",
    ["bad word, review", "bad word;review", '"bad word","Review"', '"bad word, REVIEW"',
     "bad word , review ,"],
)  # fmt: skip
def test_what_becomes_of_a_phrase_stands_behind_a_comma(line: str) -> None:
    """As people write it, and as spreadsheets do; without it, a phrase refuses."""
    read = parse(f"good\n{line}\nugly, refuse".encode())

    assert read.rejected == ()
    assert read.entries == (Listed("good"), Listed("bad word", Then.REVIEW), Listed("ugly"))


def test_a_file_from_before_there_was_anything_else_is_read_as_it_was() -> None:
    """Whatever is no phrase with one of the two words behind a comma is what it always was."""
    read = parse(b"review\nreview this\nrefuse review\nworse, worst\n, review\n")

    assert read.entries == (Listed("review"), Listed("review this"), Listed("refuse review"))
    assert [(each.number, each.why.split(",")[0]) for each in read.rejected] == [
        (4, "One phrase at a time"),
        (5, "A phrase needs letters or digits."),
    ]


def test_a_phrase_stands_once_in_a_file_whatever_becomes_of_it() -> None:
    """Two things cannot become of the same words: the first line counts."""
    read = parse(b"bad, review\nBAD\n")

    assert read.entries == (Listed("bad", Then.REVIEW),)
    assert read.rejected[0].why == "It is the same phrase as in line 1."


def test_a_line_as_long_as_the_largest_file_is_read_at_once() -> None:
    """Whatever it is made of: no pattern tries all ways to split it."""
    for piece in (b" ", b",", b", review", b'"'):
        assert parse(piece * (1024 * 1024 // len(piece))).entries == ()
