"""What members, moderators and operators do to a bot: places close, rights go, processes end."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.sandbox.discord import Channel, ForumChannel, Guild, Permission, Thread
from bot.sandbox.discord.channels import GuildChannel
from tests.bench.weather import Kinds, Stage


class TroubleByPeople:
    """Misfortunes that people cause."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def kinds(self) -> Kinds:
        """All of them."""
        return {
            **self._of_places(),
            "process: SIGKILL": (1, self._kill),
            "process: SIGKILL, away for long": (0.5, partial(self._kill, away=6.0)),
            "process: SIGKILL while it starts": (0.5, self._kill_twice),
            "process: SIGTERM": (1, self._terminate),
            "process: two at once": (0.5, self._two_at_once),
        }

    def _of_places(self) -> Kinds:
        lost = {
            "seeing": Permission.VIEW_CHANNEL,
            "sending": Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS,
            "attaching": Permission.ATTACH_FILES,
            "embedding": Permission.EMBED_LINKS,
            "reading back": Permission.READ_MESSAGE_HISTORY,
        }
        return {
            **{
                f"permission lost: {name}": (
                    1,
                    partial(self._lose, f"permission lost: {name}", bits),
                )
                for name, bits in lost.items()
            },
            "thread archived": (1.5, partial(self._close, "thread archived", archived=True)),
            "thread locked": (1, partial(self._close, "thread locked", locked=True)),
            "thread closed for good": (
                1,
                partial(self._close, "thread closed for good", archived=True, locked=True),
            ),
            "thread deleted": (1, self._delete_thread),
            "member left": (1, self._leave),
            "direct messages closed": (1, self._close_direct),
            "bot removed": (0.5, self._remove_bot),
            "server out of order": (0.5, self._server_out),
        }

    def _some_thread(self) -> Thread:
        return self._stage.draw.choice(
            [p for p in self._stage.crowd.places if isinstance(p, Thread)]
        )

    async def _lose(self, name: str, bits: Permission) -> None:
        where: Channel = self._stage.draw.choice(self._stage.crowd.places)
        home = where.home
        assert isinstance(home, GuildChannel)
        role = home.guild.bot_role
        self._stage.note(name)
        try:
            home.set_overwrite(role, deny=bits)
            await self._stage.a_while(3, 10)
        finally:
            home.set_overwrite(role)

    async def _close(self, name: str, **marks: bool) -> None:
        thread = self._some_thread()
        self._stage.note(name)
        thread.update(**marks)
        try:
            await self._stage.a_while(3, 10)
        finally:
            if not thread.deleted:
                thread.update(archived=False, locked=False)

    async def _delete_thread(self) -> None:
        thread = self._some_thread()
        if not isinstance(thread.parent, ForumChannel):
            self._stage.note("thread deleted")
            self._stage.crowd.delete_thread(thread)

    async def _leave(self) -> None:
        guild = self._stage.draw.choice(self._stage.crowd.guilds)
        member = self._stage.draw.choice(self._stage.crowd.people(guild))
        self._stage.note("member left")
        guild.kick(member)
        try:
            await self._stage.a_while(3, 10)
        finally:
            guild.join(member.user)

    async def _close_direct(self) -> None:
        guild = self._stage.draw.choice(self._stage.crowd.guilds)
        user = self._stage.draw.choice(self._stage.crowd.people(guild)).user
        self._stage.note("direct messages closed")
        user.dms_open = False
        try:
            await self._stage.a_while(10, 20)
        finally:
            user.dms_open = True

    async def _remove_bot(self) -> None:
        guild: Guild = self._stage.draw.choice(self._stage.crowd.guilds)
        if not guild.installed:
            return
        self._stage.note("bot removed")
        guild.remove_bot()
        try:
            await self._stage.a_while(2, 5)
        finally:
            guild.add_bot()

    async def _server_out(self) -> None:
        guild = self._stage.draw.choice(self._stage.crowd.guilds)
        self._stage.note("server out of order")
        guild.set_available(False)
        try:
            await self._stage.a_while(2, 5)
        finally:
            guild.set_available(True)

    # -- the process ----------------------------------------------------------------------------

    async def _kill(self, away: float = 0.0) -> None:
        self._stage.note("process: SIGKILL, away for long" if away else "process: SIGKILL")
        await asyncio.shield(self._stage.keeper.kill(away=away))

    async def _kill_twice(self) -> None:
        self._stage.note("process: SIGKILL while it starts")
        await asyncio.shield(self._stage.keeper.kill())
        await self._stage.a_while(0.2, 2.0)
        await asyncio.shield(self._stage.keeper.kill())

    async def _terminate(self) -> None:
        self._stage.note("process: SIGTERM")
        await asyncio.shield(self._stage.keeper.terminate())

    async def _two_at_once(self) -> None:
        self._stage.note("process: two at once")
        await asyncio.shield(self._stage.keeper.start_a_second())
