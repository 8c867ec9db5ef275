"""A server's list of words: what may stand on it, and what is found in a text.

A phrase matches whole words, however they are disguised: case, width and accents do not count,
nor do invisible characters; look-alike letters of other alphabets, digits and signs are read as
the letters that they stand for, letters written apart as a word, and letters that are repeated
three times or more as fewer. In languages without spaces between words it matches anywhere.

=============  ===================================================================
listed         an entry of the list, and what becomes of a request that has it
phrases        what may be blocked: words, phrases, ``*``; limits
matching       ``matcher_for`` a list; ``Matcher.verdict`` and ``Matcher.find``
why            a match explained to people
shelf          matchers kept for servers
files          a list as a text file
texts          which texts of a recipe are held against the list
readings       a text in all ways in which somebody may read it; of these each has a
               room: ``folding``, ``apart``, ``leet``, ``stretched``, ``overrides``
alphabets      facts about letters; ``lookalikes`` is a generated table
=============  ===================================================================
"""

from bot.rules.words.files import Imported, Rejected, parse, render
from bot.rules.words.listed import Listed, Then, by_kind
from bot.rules.words.matching import Match, Matcher, matcher_for
from bot.rules.words.phrases import LONGEST_PHRASE, MOST_INNER_STARS, MOST_PHRASES, validate
from bot.rules.words.shelf import Shelf
from bot.rules.words.texts import Text, texts_of

__all__ = [
    "LONGEST_PHRASE",
    "MOST_INNER_STARS",
    "MOST_PHRASES",
    "Imported",
    "Listed",
    "Match",
    "Matcher",
    "Rejected",
    "Shelf",
    "Text",
    "Then",
    "by_kind",
    "matcher_for",
    "parse",
    "render",
    "texts_of",
    "validate",
]
