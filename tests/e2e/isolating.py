"""A server with everything in it that others must not touch, and those who try to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bot.rules.policy import ReviewRule, Strikes
from bot.sandbox.discord import Channel, Fault, Member, Message, Permission, Role
from bot.sandbox.discord.message_payload import message as as_sent
from tests.e2e import surface
from tests.e2e.moderating import hand_over, helper, moderate, moderated, moderator
from tests.e2e.panel import opened, private
from tests.e2e.test_removals import MESSAGE, carrying, delivered
from tests.e2e.test_reports import report, shown
from tests.e2e.test_reviews import review_of
from tests.e2e.test_setup import try_out
from tests.e2e.town import Scene, Town, bots, number
from tests.e2e.trying import Names, Someone, Try, nowhere, tries

SECRET: Final = "okapi"
"""Stands in every text of the server, and nobody outside may read it."""

NOBODYS: Final = 987_654_321
ELSEWHERE: Final = (
    "an administrator of another server",
    "whoever asked, in another server of theirs",
    "a moderator, in another server of theirs",
)
HERE: Final = (
    "a member",
    "a moderator until just now",
    "whom the command was handed until just now",
)
OUTSIDE: Final = (*ELSEWHERE, "a stranger in direct messages")
EVERYBODY: Final = (*HERE, *OUTSIDE)


class Walls:
    """The server, another one, and everybody who tries. ``theirs`` are things of the server, with
    each of its jobs; ``nobodys`` there never were, or are no longer.
    """

    def __init__(self, town: Town) -> None:
        self.scene = Scene(town, f"{SECRET} club")
        world = self.scene.discord.world
        self.elsewhere = world.create_guild("Elsewhere")
        self.lobby = self.elsewhere.create_text_channel("lobby")
        self.mona = moderator(self.scene)
        self.former = moderator(self.scene, "former")
        self.hella = self.scene.newcomer("hella")
        self.helpers = helper(self.scene, self.hella)
        self.dave, self.eve = self.scene.newcomer("dave"), self.scene.newcomer("eve")
        self.barred = self.scene.guild.create_role("barred")
        self.room, self.log = private(self.scene, "reviews"), private(self.scene, "log")
        self.attackers: dict[str, Someone] = {}

    async def build(self) -> None:
        """A video that is posted and was reported, one in review, one at Pika; a test post; all
        settings; and more changes than fit on a page of the log.
        """
        scene = self.scene
        self.registered = await surface.registered()
        await self._leave_a_test_post()
        first = await delivered(scene, prompt=f"an {SECRET}")
        (result,) = carrying(scene, first)
        await self._govern()
        for who in (scene.bob, self.former, self.hella):
            await report(scene, who, result, SECRET)
            who.add_role(self.barred)
        await shown(scene, first, self.log, "3 members find")
        second = await scene.card(prompt=f"{SECRET} two")
        await review_of(scene, second, self.room)
        scene.pika.pause()
        third = await scene.card(prompt=f"{SECRET} three")
        await scene.says_on(second, "waits for a moderator")
        await scene.says_on(third, "Pika is making it")
        shown_panel = await moderated(scene, self.mona, "settings")
        self.controls = await surface.panel(scene, self.mona, shown_panel)
        self.jobs = [number(card) for card in (first, second, third)]
        self._name(result)
        await self._gather()
        await self._rest()

    async def end(self) -> None:
        """Let everything come to its end: what waits for a moderator is approved."""
        scene, mona = self.scene, self.rightful[0]
        under_way = {"queued", "submitting", "rendering"}
        await scene.until(lambda: under_way.isdisjoint(job["state"] for job in scene.jobs))
        for job in scene.jobs:
            if job["state"] == "reviewing":
                await mona.press(f"review:{job['id']}:approve")

    async def _leave_a_test_post(self) -> None:
        scene = self.scene
        hand = await opened(scene, self.mona, "setup")
        await hand.open("summary")
        scene.discord.faults.add(Fault("DELETE", MESSAGE, times=None, status=403, code=50001))
        await try_out(hand)
        scene.discord.faults.clear()
        (self.leftover,) = bots(scene.channel)

    async def _govern(self) -> None:
        scene, mona = self.scene, self.mona
        for credits_ in range(41, 50):
            await moderate(scene, mona, "limit", member=self.eve, credits=credits_)
        await moderate(scene, mona, "limit", channel=scene.channel, credits=99)
        await moderate(scene, mona, "limit", role=self.barred, credits=99)
        await moderate(scene, mona, "budget", credits=99, hours=24)
        await moderate(scene, mona, "grant", member=self.dave, credits=1)
        await moderate(scene, mona, "block", member=self.eve, reason=SECRET)
        for phrase in (f"{SECRET}s", "quagga"):
            await moderate(scene, mona, "words add", phrase=phrase)
        hand, doomed = await opened(scene, mona), scene.guild.create_text_channel("doomed")
        await hand.open("members")
        await hand.choose("barred", self.barred)
        await hand.open("channels")
        await hand.choose("allowed", scene.channel, doomed)
        doomed.delete()
        await scene.choose(
            showcase=scene.guild.create_text_channel("best-of").id,
            log=self.log.id,
            review=self.room.id,
            look_at=ReviewRule(newcomer_ms=3_600_000, everything=True),
            strikes=Strikes(3, 3_600_000, 3_600_000),
            retention_ms=86_400_000,
        )

    def _name(self, result: Message) -> None:
        (last,) = self.scene.town.rows(
            "SELECT max(id) AS id FROM audit_entry WHERE guild_id = :id", id=self.scene.guild.id
        )
        place, told = self.scene.channel, as_sent(result)
        self.theirs = [
            Names(job, self.dave, self.barred, place, "quagga", told, last["id"])
            for job in self.jobs
        ]
        gone, role = self.elsewhere.create_text_channel("gone"), self.elsewhere.create_role("gone")
        gone.delete()
        self.elsewhere.delete_role(role)
        nobody = self.scene.discord.world.create_user("nobody")
        self.nobodys = Names(NOBODYS, nobody, role, gone, "zorilla", nowhere(result), NOBODYS)

    # -- who tries --------------------------------------------------------------------------------

    async def _gather(self) -> None:
        scene, world = self.scene, self.scene.discord.world
        users = (world.create_user("carol"), scene.alice.user, self.mona.user)
        for name, user in zip(ELSEWHERE, users, strict=True):
            who = self.elsewhere.join(user, permissions=Permission.ADMINISTRATOR)
            self.attackers[name] = await self._someone(who, self.lobby, governs=True)
        for name, who in zip(HERE, (scene.bob, self.former, self.hella), strict=True):
            self.attackers[name] = await self._someone(who, scene.channel)
        former, helped = (self.attackers[name] for name in HERE[1:])
        former.before = self._depose(self.former.roles[0])
        helped.before = self._take_back
        dora = world.create_user("dora")
        letter = dora.dm.post(scene.discord.bot_user, "A message of the bot's.")
        self.attackers[OUTSIDE[-1]] = Someone(scene, dora, letter, letter, letter)
        self.rightful = [
            await self._someone(who, scene.channel, governs=True)
            for who in (self.mona, scene.alice)
        ]

    @property
    def tries(self) -> Iterator[Try]:
        """Everything that there is to try."""
        commands = self.scene.discord.commands.visible(self.scene.guild)
        return tries(commands, self.registered, self.controls)

    async def _someone(self, who: Member, where: Channel, *, governs: bool = False) -> Someone:
        moderates = who is self.hella or who.can(Permission.MANAGE_GUILD, where)
        seen = [
            await (await self.scene.ask(command, who=who, where=where)).answered()
            for command in (("moderate audit", "moderate settings") if moderates else ("help",) * 2)
        ]
        leftover = self.leftover if where is self.scene.channel else seen[0]
        return Someone(self.scene, who, *seen, leftover, governs=governs)

    def _depose(self, role: Role) -> Callable[[], None]:
        def depose() -> None:
            self.former.add_role(role)
            self.former.remove_role(role)

        return depose

    def _take_back(self) -> None:
        hand_over(self.scene, self.helpers)
        hand_over(self.scene, self.helpers, allow=False)

    # -- what nobody may change, or read ----------------------------------------------------------

    async def _rest(self) -> None:
        """Wait until all is told, and what is not over only waits."""
        town, pika = self.scene.town, self.scene.pika
        await self.scene.until(
            lambda: (
                not town.rows(
                    """
                SELECT id FROM delivery
                WHERE state IN ('pending', 'removing') OR kind = 'card' AND shown LIKE 'queued%'
                UNION ALL SELECT id FROM log_line
                UNION ALL SELECT guild_id FROM server_log WHERE due_at IS NOT NULL
                """
                )
            )
        )
        asked, before = len(pika.requests), self.state()
        await self.scene.until(lambda: len(pika.requests) > asked + 2)
        assert self.changes(before) == []

    def state(self) -> dict[str, list[str]]:
        """All there is but what belongs to the other server: the tables, a row a line; what people
        see; what Pika does; files.
        """
        scene = self.scene
        names = scene.town.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [row["name"] for row in names if row["name"] != "sqlite_sequence"]
        found = {table: sorted(map(str, self._rows(table))) for table in tables}
        found["messages"] = [
            f"{m} {m.revision} {m.content!r} {m.embeds} {m.components} {m.attachments}"
            for channel in scene.discord.world.channels.values()
            if channel.guild is not self.elsewhere
            for m in channel.messages
        ]
        found["pika"] = [f"{job.jobid} {job.status}" for job in scene.accepted[: len(self.jobs)]]
        files = (scene.town.data / "videos").iterdir()
        ours = tuple(f"{job}." for job in self.jobs)
        found["files"] = sorted(path.name for path in files if path.name.startswith(ours))
        return found

    def changes(self, before: dict[str, list[str]]) -> list[str]:
        """What is not as it was, a line for each."""
        now = self.state()
        gone = [
            f"no more in {n}: {one}"
            for n, old in before.items()
            for one in old
            if one not in now[n]
        ]
        new = [
            f"new in {n}: {one}" for n, all_ in now.items() for one in all_ if one not in before[n]
        ]
        return [*gone, *new]

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows, there = self.scene.town.rows, self.elsewhere.id
        columns = {row["name"] for row in rows(f"SELECT name FROM pragma_table_info('{table}')")}
        if "guild_id" in columns:
            return rows(f"SELECT * FROM {table} WHERE guild_id <> :there", there=there)
        if "job_id" in columns:
            theirs = "SELECT id FROM job WHERE guild_id = :there"
            return rows(f"SELECT * FROM {table} WHERE job_id NOT IN ({theirs})", there=there)
        assert table == "fact", f"teach this sweep whose the rows of {table} are"
        return rows(f"SELECT * FROM {table}")

    def tells(self, answer: str) -> list[str]:
        """What of the server, and not sent by whoever tried, is in an answer."""
        hidden = (SECRET, self.scene.guild.id, self.scene.thread.id, self.room.id, self.log.id)
        return [one for one in map(str, hidden) if one in answer]
