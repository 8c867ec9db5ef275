"""What the running bot forgets, and when; and what it does not."""

from __future__ import annotations

from bot.sandbox.discord import Guild
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


def left(scene: Scene, guild: Guild) -> set[str]:
    """The tables that hold anything of a server, or of jobs that are gone."""
    found = set()
    for row in scene.town.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
        name = row["name"]
        columns = {one["name"] for one in scene.town.rows(f"PRAGMA table_info({name})")}
        if "guild_id" in columns:
            rows = scene.town.rows(f"SELECT * FROM {name} WHERE guild_id = :id", id=guild.id)
        elif "job_id" in columns:
            rows = scene.town.rows(f"SELECT * FROM {name} WHERE job_id NOT IN (SELECT id FROM job)")
        else:
            continue
        if rows:
            found.add(name)
    return found


def absent(scene: Scene) -> set[int]:
    """The servers that the bot knows it is not in."""
    return {row["guild_id"] for row in scene.town.rows("SELECT guild_id FROM server_absence")}


async def test_a_server_that_removes_the_bot_is_forgotten_after_thirty_days(
    open_scene: OpenScene,
) -> None:
    """What waits there is cancelled at once and not charged; an outage is no removal; coming back
    in time keeps everything, and after thirty days there is nothing of it, but all of the others.
    """
    scene = await open_scene(PIKA_MAX_JOBS=1)
    mona = moderator(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    elsewhere.join(scene.alice.user)
    there = elsewhere.create_text_channel("videos")
    await moderated(scene, mona, "limit", credits=5)
    await scene.choose(log=scene.guild.create_text_channel("mod-log").id)
    done = await scene.card(who=scene.bob)
    await scene.delivered(done)
    other = await scene.card(who=scene.alice.user, where=there)
    await scene.result(other, there)

    scene.pika.pause()
    running = await scene.card()
    await scene.state(running, "rendering")
    waiting = await scene.card()
    scene.guild.set_available(False)
    scene.guild.set_available(True)
    assert absent(scene) == set()
    scene.guild.remove_bot()
    await scene.state(waiting, "cancelled")
    assert (scene.job(waiting)["code"], scene.hold(waiting)) == ("server_left", "released")
    assert absent(scene) == {scene.guild.id}
    scene.pika.resume()
    await scene.state(running, "delivered", "failed")

    scene.guild.add_bot()
    await scene.until(lambda: absent(scene) == set())
    assert scene.job(done)["prompt"] == "a fox in the snow"
    assert await scene.town.stop() == 0
    scene.guild.remove_bot()
    await scene.town.restart()
    await scene.until(lambda: absent(scene) == {scene.guild.id})
    await scene.until(lambda: not scene.town.rows("SELECT 1 FROM job WHERE finished_at IS NULL"))
    assert await scene.town.stop() == 0
    scene.town.change("UPDATE server_absence SET since = since - ?", 30 * DAY_MS)
    assert len(left(scene, scene.guild)) > 5
    theirs = left(scene, elsewhere)

    await scene.town.restart()
    await scene.until(lambda: left(scene, scene.guild) == set())
    assert left(scene, elsewhere) == theirs
    assert scene.job(other)["state"] == "delivered"
    again = await scene.card(who=scene.alice.user, where=there)
    await scene.result(again, there)
