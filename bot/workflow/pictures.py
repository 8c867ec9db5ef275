"""Members' pictures: fetched and looked at early, kept on disk while their job needs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from bot.errors import BadRecipe, Expired, Unreachable, Unusable
from bot.media import PICTURE_LIMIT, Downloaded, check_declared, check_picture
from bot.model import Picture, Recipe

log = logging.getLogger(__name__)

EARLY_SECONDS = 1.5
"""How long a command may spend on its pictures before it is answered; the rest is done
while the job waits. Half of Discord's three seconds stays for the answer itself."""

Role = str
_ROLES: tuple[tuple[Role, str], ...] = (("image", "image"), ("message", "message_image"))


class Fetches(Protocol):
    """What this module needs of ``media.Fetcher``."""

    async def fetch(self, url: str, to: Path, *, limit: int) -> Downloaded:
        """Download ``url`` to ``to``; raises ``MediaError``."""
        ...


class Pictures:
    """Fetches pictures into ``directory``."""

    def __init__(self, fetcher: Fetches, directory: Path) -> None:
        self._fetcher = fetcher
        self._directory = directory

    async def early(self, request_key: int, recipe: Recipe) -> Recipe:
        """The recipe with its pictures on disk, as far as the time before the answer allows.

        Raises ``BadRecipe`` with the option to change for a picture that cannot be used, and
        ``NotStored`` where our disk takes none. What could not be fetched in time keeps its
        address.
        """
        for role, picture in missing(recipe):
            try:
                check_declared(picture.filename, picture.content_type, picture.size)
            except Unusable as error:
                raise BadRecipe(role, str(error)) from None
        try:
            async with asyncio.timeout(EARLY_SECONDS):
                return await self.complete(request_key, recipe)
        except Unusable as error:
            raise BadRecipe(_role_of(error), str(error)) from None
        except Expired as error:
            raise BadRecipe(_role_of(error), "The picture is gone. Attach it again.") from None
        except (TimeoutError, Unreachable) as error:
            log.info("pictures are fetched after the answer: %r", error)
            return recipe

    async def complete(self, key: int, recipe: Recipe) -> Recipe:
        """The recipe with all its pictures on disk. Raises ``MediaError``."""
        fetched: list[Path] = []
        for role, picture in missing(recipe):
            try:
                have = await self._fetch(key, role, picture)
            except BaseException as error:
                error.add_note(role)
                for path in fetched:  # nobody else knows of them
                    path.unlink(missing_ok=True)
                raise
            if have.path is not None:
                fetched.append(have.path)
            recipe = with_picture(recipe, role, have)
        return recipe

    async def _fetch(self, key: int, role: Role, picture: Picture) -> Picture:
        if picture.url is None:
            raise Unusable("The picture is gone. Please attach it again.")
        suffix = Path(picture.filename).suffix.lower()[:6]
        path = self._directory / f"{key}-{role}{suffix if suffix[1:].isalnum() else ''}"
        got = await self._fetcher.fetch(picture.url, path, limit=PICTURE_LIMIT)
        try:
            seen = await check_picture(
                path, filename=picture.filename, declared=picture.content_type
            )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Picture(picture.filename, seen.content_type, got.size, path=path)

    @staticmethod
    def forget(recipe: Recipe) -> None:
        """Delete the files of a recipe nobody needs any more. Never raises."""
        for picture in (recipe.image, recipe.message_image):
            if picture is not None and picture.path is not None:
                try:
                    picture.path.unlink(missing_ok=True)
                except OSError as error:  # the next start sweeps it away
                    log.warning("a picture could not be deleted: %s", error)


def missing(recipe: Recipe) -> Iterator[tuple[Role, Picture]]:
    """The pictures of a recipe that are not on disk, each with its role."""
    for role, attribute in _ROLES:
        picture: Picture | None = getattr(recipe, attribute)
        if picture is not None and picture.path is None:
            yield role, picture


def with_picture(recipe: Recipe, role: Role, picture: Picture) -> Recipe:
    """The recipe with this picture in this role."""
    return (
        replace(recipe, image=picture)
        if role == "image"
        else replace(recipe, message_image=picture)
    )


def _role_of(error: Exception) -> Role:
    notes: list[str] = getattr(error, "__notes__", [])
    return notes[-1] if notes else "image"
