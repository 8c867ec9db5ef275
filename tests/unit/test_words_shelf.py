"""Matchers are kept by server and version, in a bounded room."""

from __future__ import annotations

from bot.rules.words import Shelf, matcher_for


def test_a_matcher_is_found_for_its_server_and_version_only() -> None:
    """A list that was changed is never used as it was, nor another server's."""
    shelf, matcher = Shelf(), matcher_for(["bad"])
    shelf.put(1, 7, matcher)

    assert shelf.get(1, 7) is matcher
    assert shelf.get(1, 8) is None
    assert shelf.get(2, 7) is None


def test_a_new_version_takes_the_place_of_the_old() -> None:
    """One matcher a server."""
    shelf, matcher = Shelf(), matcher_for(["good"])
    shelf.put(1, 7, matcher_for(["bad"]))
    shelf.put(1, 8, matcher)

    assert shelf.get(1, 7) is None
    assert shelf.get(1, 8) is matcher


def test_those_not_asked_for_go_first_when_there_is_no_room() -> None:
    """Memory is bounded by letters, whatever the number of servers."""
    shelf = Shelf(letters=8)
    for guild in (1, 2):
        shelf.put(guild, 1, matcher_for(["word"]))
    shelf.get(1, 1)
    shelf.put(3, 1, matcher_for(["good"]))

    assert shelf.get(2, 1) is None
    assert shelf.get(1, 1) is not None
    assert shelf.get(3, 1) is not None


def test_room_is_given_back() -> None:
    """Replacing and dropping lists for ever leaves the room as it was."""
    shelf = Shelf(letters=8)
    for version in range(50):
        shelf.put(1, version, matcher_for(["word"]))
    shelf.put(2, 1, matcher_for(["good"]))
    shelf.drop(9)

    assert shelf.get(1, 49) is not None
    shelf.drop(1)
    assert shelf.get(1, 49) is None
    assert shelf.get(2, 1) is not None


def test_the_largest_list_is_kept_even_if_it_fills_the_room() -> None:
    """Or it would be built for every prompt."""
    shelf = Shelf(letters=2)
    shelf.put(1, 1, matcher_for(["word"]))

    assert shelf.get(1, 1) is not None
