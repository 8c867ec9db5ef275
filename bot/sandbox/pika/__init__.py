"""The Pika API as useapi.net served it (v1), on 127.0.0.1: a stand-in over real sockets.

`server.py` puts the parts together. A request comes in through `gate.py` (log, faults, token),
is read by `forms.py`, checked by `submit.py` with the help of `accounts.py` and `flags.py`, or
answered by `reads.py`. `life.py` moves jobs on by `clock.py`, as `scripts.py` tell it;
`video.py`, `scene.py` and `picture.py` make the clip, `cdn.py` serves it, `callbacks.py` call
back. `faults.py` is misbehaviour on order. `answers.py`, `content.py`, `wire.py` and `jobs.py`
hold the literal forms.

Where the documents are silent, the docstring of the place says what was assumed.
"""

from bot.sandbox.pika.accounts import Account
from bot.sandbox.pika.clock import Clock
from bot.sandbox.pika.faults import PikaFault
from bot.sandbox.pika.jobs import Picture, PikaJob
from bot.sandbox.pika.scripts import Script
from bot.sandbox.pika.server import EmbeddedPika
from bot.sandbox.pika.state import CallbackSent, RequestSeen, Tempo
from bot.sandbox.pika.video import NoEncoder

__all__ = [
    "Account",
    "CallbackSent",
    "Clock",
    "EmbeddedPika",
    "NoEncoder",
    "Picture",
    "PikaFault",
    "PikaJob",
    "RequestSeen",
    "Script",
    "Tempo",
]
