"""Pika, as far as the rest of the bot need know: ask for videos, read what became of them.

``backend`` says what may be asked, ``errors`` what may be done about a no, ``useapi`` asks
useapi.net. Inside: ``recipes`` checks and names the fields, ``form`` sends them, ``line``
carries one request, ``answers`` turns statuses into errors, ``wire`` parses bodies, ``redact``
takes secrets out of sentences.
"""

from bot.pika.backend import AccountChannel, Accounts, Backend
from bot.pika.errors import (
    AccountProblem,
    BadFlag,
    Busy,
    Garbled,
    Gone,
    Moderated,
    NoAnswer,
    NotSent,
    PikaError,
    Refused,
    Unavailable,
)
from bot.pika.useapi import UseApi

__all__ = [
    "AccountChannel",
    "AccountProblem",
    "Accounts",
    "Backend",
    "BadFlag",
    "Busy",
    "Garbled",
    "Gone",
    "Moderated",
    "NoAnswer",
    "NotSent",
    "PikaError",
    "Refused",
    "Unavailable",
    "UseApi",
]
