"""All that Pika can do to a bot: its answers, its files, its callbacks, the fate of its jobs."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.sandbox.pika import PikaFault
from tests.bench.weather import Kinds, Misfortune, Stage

STUCK_SECONDS = 75.0
"""After this long Pika's API gives up on a job that does not move; the bot does so earlier."""

TOO_LARGE_MB = 201.0

HANG_WEIGHT = 0.25
"""Whoever hangs keeps a request for up to a minute."""


class TroubleAtPika:
    """Misfortunes that come from Pika."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._token = stage.town.pika.token

    def kinds(self) -> Kinds:
        """All of them."""
        return {
            **self._of_submits(),
            **self._of_reads(),
            **self._of_files(),
            **self._of_callbacks(),
            **self._of_pika(),
        }

    def _pika(self, name: str, endpoint: str, most: int = 2, **how: Any) -> Misfortune:
        async def befall() -> None:
            fault = PikaFault(endpoint, times=self._stage.draw.randint(1, most), **how)
            self._stage.town.pika.faults.add(fault)
            self._stage.note(name, fault)

        return befall

    def _of_submits(self) -> Kinds:
        ways: dict[str, dict[str, Any]] = {
            "429, queue full": {"kind": "queue_full", "executing": ("one", "other")},
            "429 with a time": {"kind": "rate_limited", "retry_after": 1.5},
            "400": {"kind": "status", "status": 400},
            "404": {"kind": "status", "status": 404},
            "422": {"kind": "status", "status": 422},
            "no jobid": {"kind": "missing_fields"},
            "truncated": {"kind": "truncated"},
            "dropped before": {"kind": "drop_before"},
            "dropped after": {"kind": "drop_after"},
            "answered late": {"kind": "delay", "seconds": 1.0},
            "taken late": {"kind": "delay", "seconds": 1.0, "took": False},
        }
        both: dict[str, dict[str, Any]] = {
            **{str(s): {"kind": "status", "status": s} for s in (500, 502, 503, 504, 596)},
            "not JSON": {"kind": "not_json"},
            "garbled": {"kind": "body", "status": 200, "body": b"\x00\xff{"},
            "hangs": {"kind": "hang"},
        }
        for way, how in both.items():
            ways[f"{way}, not taken"] = {**how, "took": False}
            ways[f"{way}, but taken"] = {**how, "took": True}
        return {
            f"submit: {way}": (
                HANG_WEIGHT if how["kind"] == "hang" else 1,
                self._pika(f"submit: {way}", "submit", 1 if how["kind"] == "hang" else 2, **how),
            )
            for way, how in ways.items()
        }

    def _of_reads(self) -> Kinds:
        forgotten = b'{"error":"Unable to locate job","code":404}'
        ways: dict[str, dict[str, Any]] = {
            **{
                str(s): {"kind": "status", "status": s} for s in (401, 402, 429, 500, 503, 504, 596)
            },
            "not JSON": {"kind": "not_json"},
            "truncated": {"kind": "truncated"},
            "without a status": {"kind": "missing_fields"},
            "dropped": {"kind": "drop_before"},
            "hangs": {"kind": "hang"},
            "late": {"kind": "delay", "seconds": 1.5},
        }
        kinds: Kinds = {
            f"read: {way}": (
                HANG_WEIGHT if way == "hangs" else 1,
                self._pika(f"read: {way}", "read", 5, **how),
            )
            for way, how in ways.items()
        }
        gone = self._pika(
            "read: 404", "job", 1, kind="body", status=404, body=forgotten,
            content_type="application/json",
        )  # fmt: skip
        return {**kinds, "read: 404": (0.5, gone)}

    def _of_files(self) -> Kinds:
        ways: dict[str, dict[str, Any]] = {
            "503": {"kind": "status", "status": 503},
            "link expired": {"kind": "expired"},
            "leads elsewhere": {"kind": "redirect", "location": "http://169.254.169.254/latest"},
            "a web page": {"kind": "wrong_type"},
            "no video": {"kind": "junk"},
            "truncated": {"kind": "truncated"},
            "without a length": {"kind": "no_length"},
            "late": {"kind": "delay", "seconds": 2.0},
            "hangs": {"kind": "hang"},
            "dropped": {"kind": "drop_before"},
        }
        return {
            f"video: {way}": (
                HANG_WEIGHT if way == "hangs" else 1,
                self._pika(f"video: {way}", "cdn", 2, **how),
            )
            for way, how in ways.items()
        }

    def _of_callbacks(self) -> Kinds:
        ways = ("lost", "twice", "late", "early")
        return {
            f"callback: {way}": (
                1,
                self._pika(f"callback: {way}", "callback", kind=way, seconds=2.0),
            )
            for way in ways
        }

    def _of_pika(self) -> Kinds:
        fates: dict[str, dict[str, Any]] = {
            "moderated at once": {"outcome": "moderated", "at_submit": True},
            "moderated": {"outcome": "moderated"},
            "failed at once": {"outcome": "failed", "at_submit": True},
            "failed": {"outcome": "failed", "error": "the kitchen is on fire"},
            "unknown flag": {
                "outcome": "moderated",
                "error": "Invalid parameter",
                "error_details": "Unrecognized parameter(s): `zoom`",
            },
            "slow": {"outcome": "slow", "seconds": 10.0},
            "video of 201 MB": {"size_mb": TOO_LARGE_MB},
        }
        return {
            **{f"job: {name}": (1, self._fate(f"job: {name}", how)) for name, how in fates.items()},
            "job: stuck": (0.5, self._stuck),
            "Pika: unreachable": (1, self._unplugged),
            "Pika: makes no progress": (1, self._paused),
            "Pika: token refused": (0.5, self._token_refused),
            "Pika: not paid": (0.5, self._not_paid),
        }

    def _fate(self, name: str, how: dict[str, Any]) -> Misfortune:
        async def befall() -> None:
            self._stage.town.pika.script(**how)
            self._stage.note(name)

        return befall

    async def _stuck(self) -> None:
        pika = self._stage.town.pika
        script = pika.script(outcome="stuck")
        self._stage.note("job: stuck")

        def give_up() -> None:
            for job in list(pika.executing.values()):
                if job.script is script and job.status != "created":
                    pika.fail(job.jobid, "timed out")

        try:
            await asyncio.sleep(STUCK_SECONDS)
        finally:
            give_up()

    async def _unplugged(self) -> None:
        self._stage.note("Pika: unreachable")
        try:
            await self._stage.town.pika.unplug()
            await self._stage.a_while(1, 4)
        finally:
            await self._stage.town.pika.plug()

    async def _paused(self) -> None:
        self._stage.note("Pika: makes no progress")
        self._stage.town.pika.pause()
        try:
            await self._stage.a_while(2, 6)
        finally:
            self._stage.town.pika.resume()

    async def _token_refused(self) -> None:
        self._stage.note("Pika: token refused")
        pika = self._stage.town.pika
        pika.token = "user:1000-anotherToken"
        try:
            await self._stage.a_while(1, 3)
        finally:
            pika.token = self._token

    async def _not_paid(self) -> None:
        self._stage.note("Pika: not paid")
        self._stage.town.pika.subscription = False
        try:
            await self._stage.a_while(1, 3)
        finally:
            self._stage.town.pika.subscription = True
