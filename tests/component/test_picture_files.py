"""Where members' pictures are put, whatever they are called."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import BadRecipe
from bot.media import Downloaded
from bot.model import Picture, Recipe, Verb
from bot.workflow.pictures import Pictures


def _png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


class _OneFile:
    """Gives the same picture for every address."""

    async def fetch(self, url: str, to: Path, *, limit: int) -> Downloaded:
        data = _png()
        assert len(data) <= limit
        to.write_bytes(data)
        return Downloaded(to, len(data), "", "image/png")


@pytest.mark.parametrize(
    "name", ["../../escape.png", "/etc/cron.d/x.png", "a\\..\\b.png", "con.png", "x" * 300 + ".png"]
)
async def test_a_picture_never_names_its_own_file(tmp_path: Path, name: str) -> None:
    """The file's name is ours: the request and the role, in our own folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Picture(name, "image/png", len(_png()), url="https://cdn.discordapp.com/x")

    recipe = await Pictures(_OneFile(), folder).early(
        7, Recipe(Verb.CREATE, "a fox", image=picture)
    )

    assert recipe.image is not None
    assert recipe.image.path == folder / "7-image.png"
    assert [path.name for path in tmp_path.rglob("*")] == ["pictures", "7-image.png"]


async def test_what_is_no_picture_by_name_is_not_fetched(
    tmp_path: Path,
) -> None:
    """It is refused from what Discord says of it alone, and nothing is left behind."""
    picture = Picture("drawing.svg", "image/svg+xml", 10, url="https://cdn.discordapp.com/x")

    with pytest.raises(BadRecipe) as caught:
        await Pictures(_OneFile(), tmp_path).early(7, Recipe(Verb.CREATE, "a fox", image=picture))

    assert caught.value.field == "image"
    assert list(tmp_path.iterdir()) == []
