"""Block lists: each change is in the log, has a version of its own, and stays in its server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import BadWords
from bot.rules.words import Listed, Then
from bot.store import audit, governing, words
from bot.store.audit import Act
from bot.store.database import Database
from bot.store.words import WordList

GUILD, OTHER, MODERATOR, NOW = 1, 2, 900, 1_700_000_000_000
ACT = Act(GUILD, MODERATOR, NOW)


@pytest.fixture
def tx(database_path: Path) -> Iterator[sqlite3.Connection]:
    """One long writing transaction."""
    with closing(sqlite3.connect(database_path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN")
        yield db
        db.rollback()


def listed(tx: sqlite3.Connection, guild_id: int = GUILD) -> tuple[str, ...]:
    return words.read(tx, guild_id).phrases


def test_a_server_without_a_list_blocks_nothing(tx: sqlite3.Connection) -> None:
    """And has version 0."""
    assert words.read(tx, GUILD) == WordList(0)


def test_phrases_are_listed_in_the_order_in_which_they_came(tx: sqlite3.Connection) -> None:
    """As they are kept, which is tidier than they were written."""
    for text in ("Bad  word", "other*", " third "):
        words.add(tx, ACT, text)
    words.remove(tx, ACT, "OTHER*")
    words.add(tx, ACT, "fourth")

    assert listed(tx) == ("Bad word", "third", "fourth")


@pytest.mark.parametrize("text", ["BAD", "  bad ", "b\u00e1d"])
def test_the_same_phrase_is_not_listed_twice(tx: sqlite3.Connection, text: str) -> None:
    """However it is written; the one that is there stays, and nothing is in the log."""
    words.add(tx, ACT, "bad")
    before = words.read(tx, GUILD)

    with pytest.raises(BadWords, match="on the list already"):
        words.add(tx, ACT, text)

    assert words.read(tx, GUILD) == before
    assert tx.execute("SELECT count(*) FROM audit_entry").fetchone() == (1,)


def test_what_cannot_be_blocked_leaves_no_trace(tx: sqlite3.Connection) -> None:
    """No phrase, no version, no entry."""
    for text in ("*", "", "a, b"):
        with pytest.raises(BadWords):
            words.add(tx, ACT, text)

    assert words.read(tx, GUILD) == WordList(0)
    assert tx.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)


def test_removing_what_is_not_listed_changes_nothing(tx: sqlite3.Connection) -> None:
    """Not even the version."""
    words.add(tx, ACT, "bad")
    before = words.read(tx, GUILD)

    assert words.remove(tx, ACT, "good") is None
    assert words.read(tx, GUILD) == before


def test_an_import_replaces_the_list_and_tells_what_went_and_came(tx: sqlite3.Connection) -> None:
    """Only the difference: lists are long."""
    words.add(tx, ACT, "one")
    words.add(tx, ACT, "two")

    entry = words.replace_all(tx, ACT, list(map(Listed, ("two", "three"))))

    assert listed(tx) == ("two", "three")
    assert entry is not None
    assert (entry.action, entry.before, entry.after) == (
        "words_import",
        {"phrases": ["one"]},
        {"phrases": ["three"]},
    )
    assert words.replace_all(tx, ACT, list(map(Listed, ("two", "three")))) is None


def test_every_change_has_a_version_that_never_was(tx: sqlite3.Connection) -> None:
    """Not even after the server was forgotten: what is remembered of an old list must never
    be taken for a new one.
    """
    seen = [words.read(tx, GUILD).version]
    for number in range(3):
        words.add(tx, ACT, f"phrase {number}")
        seen.append(words.read(tx, GUILD).version)
    words.remove(tx, ACT, "phrase 1")
    seen.append(words.read(tx, GUILD).version)
    governing.forget_server(tx, GUILD)
    assert words.read(tx, GUILD) == WordList(0)
    words.add(tx, ACT, "again")
    seen.append(words.read(tx, GUILD).version)

    assert len(set(seen)) == len(seen)


def test_no_server_sees_anothers_list(tx: sqlite3.Connection) -> None:
    """Nor changes it, nor forgets it."""
    words.add(tx, ACT, "bad")
    other = Act(OTHER, MODERATOR, NOW)
    assert words.remove(tx, other, "bad") is None
    words.replace_all(tx, other, [Listed("worse")])
    governing.forget_server(tx, OTHER)

    assert listed(tx) == ("bad",)
    assert listed(tx, OTHER) == ()


async def test_each_change_is_in_the_log(database: Database) -> None:
    """With the phrase, who, and when."""
    await database.write(lambda tx: words.add(tx, ACT, "bad"))
    await database.write(lambda tx: words.remove(tx, ACT, "BAD"))

    entries = await audit.page(database, GUILD, most=9)

    assert [(one.act, one.action, one.before, one.after) for one in entries] == [
        (ACT, "words_remove", {"phrase": "bad"}, None),
        (ACT, "words_add", None, {"phrase": "bad"}),
    ]


async def test_a_change_that_is_undone_leaves_neither_list_nor_entry(database: Database) -> None:
    """Both are one transaction."""

    def work(tx: sqlite3.Connection) -> None:
        words.add(tx, ACT, "bad")
        raise RuntimeError("a crash")

    with pytest.raises(RuntimeError):
        await database.write(work)

    assert await database.read(lambda tx: words.read(tx, GUILD)) == WordList(0)
    assert await audit.page(database, GUILD, most=9) == []


def test_what_becomes_of_a_phrase_is_kept_and_in_the_log(tx: sqlite3.Connection) -> None:
    """That it refuses goes without saying."""
    words.add(tx, ACT, "bad")
    entry = words.add(tx, ACT, "fox", Then.REVIEW)

    assert words.read(tx, GUILD).entries == (Listed("bad"), Listed("fox", Then.REVIEW))
    assert entry.after == {"phrase": "fox", "then": "review"}
    gone = words.remove(tx, ACT, "FOX")
    assert gone is not None
    assert gone.before == {"phrase": "fox", "then": "review"}


def test_something_else_may_become_of_a_phrase_that_is_listed(tx: sqlite3.Connection) -> None:
    """It keeps its place and its spelling, has a new version, and the log has both."""
    for text in ("Bad", "worse"):
        words.add(tx, ACT, text)
    before = words.read(tx, GUILD).version

    entry = words.add(tx, ACT, "BAD", Then.REVIEW)

    now = words.read(tx, GUILD)
    assert now.entries == (Listed("Bad", Then.REVIEW), Listed("worse"))
    assert now.version > before
    assert (entry.before, entry.after) == (
        {"phrase": "Bad"},
        {"phrase": "Bad", "then": "review"},
    )
    with pytest.raises(BadWords, match="on the list already"):
        words.add(tx, ACT, "bad", Then.REVIEW)


def test_an_import_tells_of_phrases_of_which_something_else_becomes(
    tx: sqlite3.Connection,
) -> None:
    """They went as one thing and came as the other."""
    words.add(tx, ACT, "bad")

    entry = words.replace_all(tx, ACT, [Listed("bad", Then.REVIEW)])

    assert entry is not None
    assert entry.before == {"phrases": ["bad"]}
    assert entry.after == {"phrases": [], "review": ["bad"]}
