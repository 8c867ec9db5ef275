"""What a video shall show: the values that decide every byte of it."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import Final

from bot.sandbox.pika.jobs import PikaJob

SECONDS: Final = 3
"""Clips of the Discord bot ran three seconds, 24 frames a second by default (pikalabs.org)."""

_AREA: Final = 576 * 320
_STEP: Final = 16


@dataclass(frozen=True, slots=True)
class Scene:
    """One video to render. `width` and `height` in pixels, `motion` 0..4."""

    command: str
    words: str
    message: str
    camera: str
    width: int
    height: int
    fps: int
    motion: int
    seed: int
    image: bytes | None
    mask: bytes | None
    key: str

    @classmethod
    def of(cls, job: PikaJob) -> Scene:
        """Read a job's recipe: same verb, prompt, image, message and seed, same key."""
        width, height = frame_size(job.flags.ratio)
        mask = None if job.message is None or isinstance(job.message, str) else job.message
        motion = job.flags.number("motion")
        return cls(
            command=job.command,
            words=job.flags.words,
            message=job.message if isinstance(job.message, str) else "",
            camera=job.flags.values.get("camera", ""),
            width=width,
            height=height,
            fps=job.flags.number("fps") or 24,
            motion=1 if motion is None else motion,
            seed=job.seed,
            image=job.image.data if job.image else None,
            mask=mask.data if mask else None,
            key=hashlib.sha256(f"{recipe_key(job)}\n{job.seed}".encode()).hexdigest(),
        )


def recipe_key(job: PikaJob) -> str:
    """Return a digest of all that a job asks for, except a seed that it left open."""
    message = job.message if isinstance(job.message, str | None) else job.message.sha256
    image = job.image.sha256 if job.image else ""
    parts = (job.command, job.prompt, message or "", job.font or "", image)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def seed_for(key: str, turn: int) -> int:
    """Choose the seed of the `turn`-th job of one recipe that left it open: repeatable."""
    digest = hashlib.sha256(f"{key}:{turn}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def frame_size(ratio: tuple[int, int] | None) -> tuple[int, int]:
    """Return width and height for `-ar`: even, about 576 by 320 pixels of area, 1:4 to 4:1.

    Real sizes are not documented; 16:9 is taken when the flag is absent.
    """
    wide = 16 / 9 if ratio is None else min(4.0, max(0.25, ratio[0] / ratio[1]))
    width = round(math.sqrt(_AREA * wide) / _STEP) * _STEP
    height = round(math.sqrt(_AREA / wide) / _STEP) * _STEP
    return width, height


def file_name(job: PikaJob) -> str:
    """Name the file as the bot does: the prompt's words, underscores, ``_seed<number>.mp4``.

    The pattern is known from samples of its results (pikapikapika.io, docs/discord).
    """
    words = re.sub(r"[^A-Za-z0-9]+", "_", job.flags.words).strip("_")[:80].rstrip("_")
    return f"{words or 'video'}_seed{job.seed}.mp4"
