"""What the running bot forgets, and when; and what it does not."""

from __future__ import annotations

from tests.e2e.conftest import OpenScene
from tests.e2e.moderating import moderated, moderator
from tests.e2e.town import Scene, number

DAY_MS = 86_400_000


def words(scene: Scene) -> str:
    """Everything that the database holds of jobs, their pictures and messages."""
    tables = ("job", "picture", "review", "removal", "report", "delivery")
    return "\n".join(
        str(row) for name in tables for row in scene.town.rows(f"SELECT * FROM {name}")
    )


async def test_words_are_kept_for_thirty_days_and_numbers_for_ever(open_scene: OpenScene) -> None:
    """The bot that is started after that long erases them, and says the same of what was used;
    what is younger stays, and what was posted stands as it stood.
    """
    scene = await open_scene()
    mona = moderator(scene)
    old = await scene.card(prompt="a very private fox")
    await scene.delivered(old)
    shown = old.text
    young = await scene.card(prompt="a rather private owl", who=scene.bob)
    await scene.delivered(young)
    used = (await moderated(scene, mona, "usage", days=90)).text.replace("90 days", "")
    assert await scene.town.stop() == 0
    for column in ("created_at", "changed_at", "submitted_at", "progressed_at", "finished_at"):
        scene.town.change(f"UPDATE job SET {column} = {column} - ? WHERE id = ?",
                          31 * DAY_MS, number(old))  # fmt: skip
    scene.town.change("UPDATE reservation SET settled_at = settled_at - ?, held_at = held_at - ? "
                      "WHERE job_id = ?", 31 * DAY_MS, 31 * DAY_MS, number(old))  # fmt: skip

    await scene.town.restart()
    await scene.until(lambda: scene.job(old)["erased_at"] is not None)
    assert scene.job(old)["prompt"] == ""
    assert "very private" not in words(scene)
    assert scene.job(young)["prompt"] == "a rather private owl"
    assert (await moderated(scene, mona, "usage", days=90)).text.replace("90 days", "") == used
    assert old.text == shown
    assert scene.history(old)[-1] == "delivered"
