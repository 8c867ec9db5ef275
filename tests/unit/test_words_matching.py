"""Blocked words are found however they are disguised, and nothing else is."""

from __future__ import annotations

import pytest

from bot.errors import BadWords
from bot.rules.words import MOST_PHRASES, Matcher, Then, matcher_for
from bot.rules.words.matching import BUILT_AT_ONCE, portions
from bot.rules.words.phrases import prepare


def _phrases(matcher: Matcher, text: str) -> list[str]:
    """What is found; the quick answer must be the same as the long one."""
    found = [match.phrase for match in matcher.find(text)]
    assert matcher.allows(text) == (not found)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "bad",
        "a BAD day",
        "so bad!",
        "“bad”",
        "bad's",
        "not_bad",
        "bad-tempered",
        "\uff42\uff41\uff44",  # full width
        "b\u0430d",  # Cyrillic a
        "\U0001d4ab\U0001d552d bad",
        "\U0001d4ea \U0001d4eb\U0001d552\U0001d589",  # letters of mathematics
        "\u24d1\u24d0\u24d3",  # in circles
        "\U0001f1e7\U0001f1e6\U0001f1e9",  # as flags
        "\U0001f171\ufe0f\U0001f170\ufe0fd",  # as signs of blood groups
        "\u0299\u1d00\u1d05",  # small capitals
        "\u0253\u00e4\u0111",  # hook, dots, stroke
        "b\u0336a\u0336d\u0336",  # struck through
        "b\u200ba\u2060d\ufeff",  # invisible characters between
        "b\u00ada\u034fd\U000e0061",
        "b\u3164a\u115fd",  # letters that every font leaves blank
        "b\u0e47a\u3099d",  # marks of other scripts
        "b a d",
        "b.a.d",
        "b - a - d",
        "b\na\nd",
        "b  a  d",
        "b_a_d",
        "b \u0430 d",
        "make b a d things",
        "a b a d day",
        "it is  b a d  word",
        "1. b - a - d",
        "x y b  a  d z",
        "baaaad",
        "BBBaaaDDD",
        "b a a a d",
        "b4d",
        "8ad",
        "b@d",
        "b@d!",
        "b @ d",
        "b a d!",
        "\u202edab\u202c",  # shown from right to left: bad
        "\u202edaB",
    ],
)
def test_a_word_is_found_in_any_disguise(text: str) -> None:
    """One entry is enough for all the ways in which people write it."""
    assert "bad" in _phrases(matcher_for(["bad"]), text)


@pytest.mark.parametrize(
    ("blocked", "text"),
    [
        ("cunt", "Scunthorpe"),
        ("ass", "a class, a bass, an assassin; massive grass as glass"),
        ("ass", "C L A S S I C"),
        ("ass", "A S"),
        ("god", "a good goodbye"),
        ("bad", "badly Badminton sinbad"),
        ("bad", "ba d b ad"),  # pieces of more than one letter
        ("bad", "b a y d"),
        ("bad", "dab"),
        ("ho", "h o"),  # two letters stand side by side too easily
        ("ass", "455"),  # a number is a number
        ("ed", "3d at 4k"),
        ("bad word", "bad. a word"),
        ("bad word", "badword"),
        ("bad word", "word bad"),
        ("xxx", "xx"),
        ("1488", "14880 iabb"),
        ("ano", "anno"),
        ("\u0432\u043e\u0439", "\u0431\u043e\u0439"),  # Russian words, one letter apart
        ("fun", "\u0444\u0443\u043d\u0442"),
        ("nazi", "amazing"),
    ],
)
def test_words_that_only_hold_it_are_other_words(blocked: str, text: str) -> None:
    """Whole words only: nobody from Scunthorpe is refused."""
    assert _phrases(matcher_for([blocked]), text) == []


@pytest.mark.parametrize(
    ("blocked", "text"),
    [
        ("kill", "ki11"),
        ("kill", "k1ll"),
        ("kill", "kiII"),
        ("kill", "k!ll"),
        ("ass", "a$$"),
        ("ass", "assssss"),
        ("asshole", "assshooole"),
        ("good", "gooooood"),
        ("shit", "sh!t!"),
        ("shit", "5h17"),
        ("bitch", "6itch"),
        ("nigel", "ni6el"),
        ("nazi", "\u039d\u0391\u0396\u0399"),  # Greek capitals
        ("nazi", "\u0418azi"),  # a Russian i as N
        ("red", "\u042fed"),
        ("\u0441\u0443\u043a\u0430", "cy\u043aa"),  # Russian, with Latin letters in it
        ("\u0441\u0443\u043a\u0430", "\u0421\u0423\u041a\u0410"),
        (
            "\u03b7\u03bb\u03af\u03b8\u03b9\u03bf\u03c2",
            "\u0397\u039b\u0399\u0398\u0399\u039f\u03a3",
        ),
        ("stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "cafe"),
        ("cafe", "cafe\u0301"),
        ("\u0142\u00f3d\u017a", "lodz"),
        ("88", "\u0668\u0668"),
        ("don't", "DON\u2019T"),
        ("bad word", "bad...word"),
        ("bad word", "b a d  w o r d"),
        ("bad word", "b a d w o r d"),
        ("bad word", "b a d word"),
        ("bad word", "baaad w0rd"),
        ("badword", "b a d w o r d"),
        ("b a d", "bad"),  # whoever blocks it letter by letter means the word
        ("r 34", "r 34"),
    ],
)
def test_disguises_of_other_words(blocked: str, text: str) -> None:
    """Letters, digits and phrases each have disguises of their own."""
    assert _phrases(matcher_for([blocked]), text) == [blocked]


@pytest.mark.parametrize(
    ("blocked", "matching", "others"),
    [
        ("bad*", ["bad", "badly", "BADLANDS", "b a d l y", "baaadly", "b\u0430dly"], ["sinbad"]),
        ("*bad", ["bad", "sinbad", "s i n b a d"], ["badly"]),
        ("*bad*", ["bad", "badly", "sinbad", "unbadly"], ["ba d", "bald"]),
        ("b*d", ["bd", "bad", "boulevard", "b4d", "b a d", "b3d"], ["bads", "abed", "b and"]),
        ("b*l*d", ["bald", "boulevard", "build"], ["bad", "lbd", "dlb"]),
        ("*b*a*d*", ["abroad", "bad", "xbxaxdx"], ["dab", "b xad"]),
        ("bad w*d", ["bad word", "bad wd", "BAD WEED"], ["bad", "bad a word", "bad words"]),
        ("bad* word", ["bad word", "badly word", "baddest, word"], ["bad", "bad big word"]),
        ("*bad word*", ["sinbad wordy", "bad word"], ["bad-ish word"]),
        ("a*a", ["aa", "ana"], ["a", "a a"]),
        ("aba*aba", ["abaaba", "abaxaba"], ["aba", "ababa"]),
    ],
)
def test_a_star_stands_for_letters_of_one_word(
    blocked: str, matching: list[str], others: list[str]
) -> None:
    """Any letters or none, at the beginning, in the middle and at the end; never a space."""
    matcher = matcher_for([blocked])

    assert [text for text in matching if matcher.allows(text)] == []
    assert [text for text in others if not matcher.allows(text)] == []


@pytest.mark.parametrize(
    ("blocked", "text", "found"),
    [
        ("\u88f8\u4f53", "\u5168\u88f8\u4f53\u64cd", "\u88f8\u4f53"),
        ("\u88f8\u4f53", "\u88f8 \u4f53", "\u88f8 \u4f53"),
        ("\u30d0\u30ab", "\u304a\u30d0\u30ab\u3055\u3093", "\u30d0\u30ab"),
        ("\u30d0\u30ab", "\uff8a\uff9e\uff76", "\uff8a\uff9e\uff76"),  # half width
        ("AV\u5973\u512a", "\u5927av\u5973\u512a", "av\u5973\u512a"),
        ("\u0e01\u0e35\u0e48", "\u0e19\u0e49\u0e33\u0e01\u0e35\u0e48\u0e01", "\u0e01\u0e35\u0e48"),
    ],
)
def test_languages_without_spaces_match_anywhere(blocked: str, text: str, found: str) -> None:
    """Chinese, Japanese and Thai mark no words, so there are no whole ones."""
    (match,) = matcher_for([blocked]).find(text)

    assert text[match.start : match.end] == found


def test_a_vowel_makes_another_syllable_where_vowels_are_marks() -> None:
    """In Thai and Japanese these marks are no accents: what has another one is another word."""
    assert _phrases(matcher_for(["\u0e01\u0e35"]), "\u0e01\u0e34 \u0e01") == []
    assert _phrases(matcher_for(["\u304b\u304d"]), "\u304c\u304d") == []


@pytest.mark.parametrize(
    ("text", "piece", "why"),
    [
        ("so bad", "bad", "“bad” matches “bad”"),
        ("a b\u0430d day", "b\u0430d", "“b\u0430d” matches “bad” (Cyrillic \u0430 read as a)"),
        ("b.a.d!", "b.a.d", "“b.a.d” matches “bad” (letters written apart)"),
        ("is a b a d i", "b a d", "“b a d” matches “bad” (letters written apart)"),
        ("baaad", "baaad", "“baaad” matches “bad” (repeated letters taken for fewer)"),
        ("b4d", "b4d", "“b4d” matches “bad” (4 read as a)"),
        ("b\u200bad", "b\u200bad", "“bad” matches “bad” (invisible characters left out)"),
        ("ba\ufe0fd", "ba\ufe0fd", "“ba\ufe0fd” matches “bad” (invisible characters left out)"),
        ("ba\u0301d", "ba\u0301d", "“ba\u0301d” matches “bad” (accents left out)"),
        ("b\u00e1d", "b\u00e1d", "“b\u00e1d” matches “bad” (\u00e1 read as a)"),
        (
            "\u202edab",
            "dab",
            "“dab” matches “bad” (turned around by a right-to-left override)",
        ),
        (
            "killer kiIIer",
            "killer",
            "“killer” matches “kill*” (`*` stands for any letters)",
        ),
        (
            "a kiIIer",
            "kiIIer",
            "“kiIIer” matches “kill*” (`*` stands for any letters; I read as l)",
        ),
    ],
)
def test_a_match_says_where_and_why(text: str, piece: str, why: str) -> None:
    """In words, for a moderator who wonders."""
    match = matcher_for(["bad", "kill*"]).find(text)[0]

    assert (text[match.start : match.end], match.why) == (piece, why)


def test_a_sentence_about_a_match_turns_no_text_around() -> None:
    """Control characters of the prompt are not repeated."""
    (match,) = matcher_for(["bad"]).find("b\u202ea\u200bd b\u202cad"[:5])

    assert "\u202e" not in match.why
    assert "\u200b" not in match.why


def test_many_notes_are_cut_short() -> None:
    """A sentence stays a sentence."""
    circled = "".join(chr(0x24D0 + place) for place in range(10))
    (match,) = matcher_for(["abcdefghij"]).find(circled)

    assert match.why.count(" read as ") == 6
    assert match.why.endswith("; and so on)")


def test_matches_come_in_the_order_of_the_text() -> None:
    """Whatever disguise each needed."""
    text = "ugly, b\u0430d; g00d and bad"

    found = matcher_for(["bad", "good", "ugly"]).find(text)

    assert [text[match.start : match.end] for match in found] == ["ugly", "b\u0430d", "g00d", "bad"]


def test_of_phrases_at_one_place_the_longest_is_named() -> None:
    """The one that says most."""
    assert _phrases(matcher_for(["bad", "bad word", "*ad"]), "bad word") == ["bad word"]


def test_one_place_is_named_once_for_a_phrase() -> None:
    """Though several ways of reading find it there."""
    assert _phrases(matcher_for(["bad", "BAD word"]), "b a d, bаd b4d") == ["bad"] * 3


def test_the_longest_list_of_matches_is_a_hundred() -> None:
    """A prompt of nothing else gives no endless answer."""
    assert len(matcher_for(["bad"]).find("bad " * 300)) == 100


def test_a_very_long_list_is_held_against_a_text_wholly() -> None:
    """First, last and middle: a list that is built in parts has no gaps."""
    phrases = [f"{'x' * 80} number{place}" for place in range(2_000)]
    matcher = matcher_for(phrases)

    assert matcher.phrases == tuple(phrases)
    for place in (0, 1, 250, 999, 1_000, 1_998, 1_999):
        assert _phrases(matcher, phrases[place]) == [phrases[place]]
    assert matcher.allows(f"{'x' * 80} number2000")


def test_a_long_list_is_built_in_portions() -> None:
    """So that adding a word to it stops nothing else for long; a common list is one portion."""
    long = [prepare(f"{'x' * 80} number{place}") for place in range(2_000)]
    sizes = [sum(map(len, portion)) for portion in portions(long)]

    assert max(sizes) < BUILT_AT_ONCE + 1_000
    assert len(sizes) < 20
    assert len(list(portions(long[:100]))) == 1


def test_an_empty_list_allows_everything() -> None:
    """A server that blocks nothing."""
    assert matcher_for([]).allows("bad")
    assert matcher_for([]).find("bad") == []


def test_a_text_without_words_is_allowed() -> None:
    """Nothing to find."""
    for text in ("", " ", "...", "* * *", "\u200b", "\U0001f98a"):
        assert _phrases(matcher_for(["bad", "b*d", "*bad*"]), text) == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("a bad dog", Then.REFUSE),  # though "bad dog" is longer and begins where "bad" does
        ("a b a d dog", Then.REFUSE),
        ("a mad dog", Then.REVIEW),
        ("a d0g", Then.REVIEW),
        ("a dog, and then something bad", Then.REFUSE),
        ("a cat", None),
    ],
)
def test_a_phrase_that_refuses_wins(text: str, verdict: Then | None) -> None:
    """Wherever it stands, whatever else is found, also where the other phrase covers it."""
    matcher = matcher_for(["bad", "wor*t"], ["bad dog", "dog", "d*g"])

    assert matcher.verdict(text) is verdict
    assert matcher.allows(text) is (verdict is not Then.REFUSE)


def test_both_kinds_are_found_and_told_apart() -> None:
    """In the order of the text; and one kind alone, also behind more of the other than are told."""
    matcher = matcher_for(["bad"], ["bad dog", "cat"])

    found = matcher.find("a cat and a bad dog")
    assert [(match.phrase, match.then) for match in found] == [
        ("cat", Then.REVIEW),
        ("bad dog", Then.REVIEW),
        ("bad", Then.REFUSE),
    ]
    assert matcher.phrases == ("bad", "bad dog", "cat")
    (refused,) = matcher.find("cat " * 300 + "bad", Then.REFUSE)
    assert (refused.phrase, refused.start) == ("bad", 1200)


def test_a_list_is_as_long_as_both_kinds_together() -> None:
    """Its limits are those of the work."""
    half = MOST_PHRASES // 2 + 1
    with pytest.raises(BadWords, match="full"):
        matcher_for([f"one{n}" for n in range(half)], [f"two{n}" for n in range(half)])
