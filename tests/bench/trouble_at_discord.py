"""All that Discord's servers can do to a bot: faults of the API and of the gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bot.sandbox.discord import Fault
from tests.bench.crowd import ACK_SECONDS
from tests.bench.weather import Kinds, Misfortune, Stage

POST = "/channels/{channel_id}/messages"
PATCH = "/channels/{channel_id}/messages/{message_id}"
DIRECT = "/users/@me/channels"

ANSWER_TRIES = 3
"""So often the bot sends the first answer to a command that makes something."""

LARGE_BYTES = 8 * 1024 * 1024
"""What every server has always taken."""


def _has_large_file(seen: Any) -> bool:
    return any(file.size > LARGE_BYTES for file in seen.files)


class TroubleAtDiscord:
    """Misfortunes that come from Discord's own servers."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def kinds(self) -> Kinds:
        """All of them."""
        return {**self._of_discord(), **self._of_the_gateway()}

    def _of_discord(self) -> Kinds:
        requests = {
            "post": ("POST", POST),
            "edit": ("PATCH", PATCH),
            "look back": ("GET", POST),
            "open a direct message": ("POST", DIRECT),
        }
        ways: dict[str, dict[str, Any]] = {
            "500": {"status": 500},
            "502, but done": {"status": 502, "done": True},
            "503": {"status": 503},
            "504, but done": {"status": 504, "done": True},
            "dropped before": {"drop": "before"},
            "dropped after": {"drop": "after"},
            "429": {"status": 429, "retry_after": 1.0},
            "429 of all": {"status": 429, "retry_after": 0.5, "scope": "global"},
            "late": {"delay": 2.0},
        }
        kinds: Kinds = {
            f"{verb}: {way}": (
                0.7 if verb in {"post", "edit"} else 0.3,
                self._discord(f"{verb}: {way}", method, route, how),
            )
            for verb, (method, route) in requests.items()
            for way, how in ways.items()
        }
        for way, how in ways.items():
            if "429" not in way:  # the first answer to a command has no limit that is known
                kinds[f"answer: {way}"] = (0.7, partial(self._answer, f"answer: {way}", how))
        # The bot learns from a 413 what a server takes, so no small file may be refused.
        files = {"status": 413, "code": 40005, "match": _has_large_file}
        return {
            **kinds,
            "post: 413": (1, self._discord("post: 413", "POST", POST, files)),
            "Discord: out of order": (0.5, self._out_of_order),
        }

    def _discord(self, name: str, method: str, route: str, how: dict[str, Any]) -> Misfortune:
        async def befall() -> None:
            fault = Fault(method, route, times=self._stage.draw.randint(1, 3), **how)
            self._stage.note(name, self._stage.town.discord.faults.add(fault))

        return befall

    async def _answer(self, name: str, how: dict[str, Any]) -> None:
        """Befall the first answer to the next command; too often is an excuse."""
        times = self._stage.draw.randint(1, ANSWER_TRIES)
        much = times == ANSWER_TRIES or times * how.get("delay", 0) > ACK_SECONDS - 1
        excuse = f"{name}, {times} times" if much else ""
        self._stage.crowd.answer_faults.append((name, {**how, "times": times}, excuse))

    async def _out_of_order(self) -> None:
        """Everything is answered by 503."""
        self._stage.note("Discord: out of order")
        fault = self._stage.town.discord.faults.add(Fault(status=503, times=None))
        began = time.time()
        try:
            await self._stage.a_while(1, 3)
        finally:
            fault.times = fault.used
            self._stage.outages.append((began - ACK_SECONDS, time.time()))

    # -- the gateway ----------------------------------------------------------------------------

    def _of_the_gateway(self) -> Kinds:
        gateway = self._stage.town.discord.gateway
        ways: dict[str, tuple[float, Callable[[], object]]] = {
            "asks to reconnect": (1, gateway.reconnect),
            "invalid session, to be resumed": (1, partial(gateway.invalidate, resumable=True)),
            "invalid session": (0.5, gateway.invalidate),
            "closes with 4000": (1, partial(gateway.disconnect, 4000)),
            "connection cut": (1, gateway.drop),
            "an event comes twice": (1, self._replay),
        }
        return {
            **{
                f"gateway: {name}": (weight, partial(self._gateway, f"gateway: {name}", act))
                for name, (weight, act) in ways.items()
            },
            "gateway: an event is lost": (1, self._lose_event),
            "gateway: an old event comes again": (0.5, self._replay_old),
        }

    async def _gateway(self, name: str, act: Callable[[], object]) -> None:
        self._stage.note(name)
        act()

    def _replay(self) -> None:
        if self._stage.crowd.asked:
            self._stage.town.discord.gateway.replay_last_interaction()

    async def _lose_event(self) -> None:
        self._stage.note("gateway: an event is lost")
        self._stage.crowd.lost_next += 1
        self._stage.town.discord.gateway.drop_interactions(self._stage.crowd.lost_next)

    async def _replay_old(self) -> None:
        """As a resume can: nobody asks anything meanwhile, so that the last event grows old."""
        if not self._stage.calm.is_set() or not self._stage.crowd.asked:
            return
        self._stage.note("gateway: an old event comes again")
        self._stage.calm.clear()
        try:
            await asyncio.sleep(ACK_SECONDS + 0.3)
            self._replay()
        finally:
            self._stage.calm.set()
