"""The people and places of the demo: two servers that differ, and five people to play."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.discord import (
    BOT_DEFAULT,
    EVERYONE_DEFAULT,
    Channel,
    Guild,
    Member,
    Permission,
    TextChannel,
    Thread,
    User,
    World,
)

P = Permission
DAY = 86_400.0

MODERATES = (
    P.MANAGE_GUILD | P.MANAGE_MESSAGES | P.MANAGE_THREADS | P.KICK_MEMBERS | P.MODERATE_MEMBERS
)
GREEN, PINK, BLUE = 0x2ECC71, 0xF47FFF, 0x3498DB


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody to play."""

    user: User
    title: str
    about: str
    home: Channel


class Town:
    """Film club has no boosts and trusts its bot; Night market is boosted, and more careful."""

    def __init__(self, world: World) -> None:
        self._world = world
        nova, alice, bea, mara, noor = (
            self._account(name, days)
            for name, days in (("nova", 3), ("alice", 900), ("bea", 1500), ("mara", 2200),
                               ("noor", 1900))
        )  # fmt: skip
        self._film_club(nova, alice, bea, mara, noor)
        self._night_market(alice, bea, mara, noor)
        self.residents = (
            Resident(alice, "Member", "In both servers for a long time.", self.thread),
            Resident(nova, "New member", "Joined Film club an hour ago.", self.channel),
            Resident(bea, "Booster", "Boosts Film club; a member of Night market.", self.thread),
            Resident(mara, "Moderator of Film club", "A member of Night market.", self.channel),
            Resident(noor, "Moderator of Night market", "A member of Film club.", self.stalls),
        )

    def _account(self, name: str, days: float) -> User:
        return self._world.create_user(name, created_at=self._world.clock.now() - days * DAY)

    def _film_club(self, nova: User, alice: User, bea: User, mara: User, noor: User) -> None:
        self.guild = guild = self._world.create_guild("Film club")
        moderators = guild.create_role("Moderators", MODERATES)
        moderators.color = GREEN
        boosters = guild.create_role("Server Booster")
        boosters.color = PINK
        self._join(guild, nova, 1 / 24)
        self.alice = self._join(guild, alice, 400)
        booster = self._join(guild, bea, 700)
        booster.boosting_since = self._world.clock.now() - 90 * DAY
        booster.add_role(boosters)
        self._join(guild, mara, 1000).add_role(moderators)
        self._join(guild, noor, 30)
        self.channel = guild.create_text_channel("videos")
        self.channel.topic = "Ask for videos here, or in a thread"
        lounge = guild.create_text_channel("lounge")
        lounge.topic = "Talk about anything"
        self.forum = guild.create_forum("showcase")
        self.forum.topic = "Your best films"
        office = guild.create_text_channel("mod-office")
        office.set_overwrite(guild.everyone, deny=P.VIEW_CHANNEL)
        for insider in (moderators, guild.bot_role):
            office.set_overwrite(insider, allow=P.VIEW_CHANNEL)
        self.thread: Thread = self.channel.create_thread("winter clips", owner=self.alice)
        lounge.post(bea, "The popcorn machine works again 🍿")
        self.channel.post(mara, "Welcome! Type `/` to see what the bot can do.")
        self.forum.create_post(
            "Northern lights", owner=booster, content="Ten seconds of green. What do you think?"
        )

    def _night_market(self, alice: User, bea: User, mara: User, noor: User) -> None:
        # What the bot may do here is what everyone may, and that is less than elsewhere.
        careful = P.EMBED_LINKS | P.CREATE_PRIVATE_THREADS
        guild = self._world.create_guild(
            "Night market",
            boost_tier=2,
            everyone=EVERYONE_DEFAULT & ~careful,
            bot_permissions=BOT_DEFAULT & ~careful,
        )
        moderators = guild.create_role("Market wardens", MODERATES)
        moderators.color = BLUE
        owner = self._join(guild, alice, 200)
        for user, days in ((bea, 150), (mara, 120)):
            self._join(guild, user, days)
        self._join(guild, noor, 800).add_role(moderators)
        self.stalls: TextChannel = guild.create_text_channel("stalls")
        self.stalls.topic = "Show what you make"
        news = guild.create_text_channel("news")
        news.topic = "Only wardens write here"
        news.set_overwrite(guild.everyone, deny=P.SEND_MESSAGES | P.SEND_MESSAGES_IN_THREADS)
        news.set_overwrite(moderators, allow=P.SEND_MESSAGES | P.SEND_MESSAGES_IN_THREADS)
        self.stalls.create_thread("lanterns", owner=owner)
        news.post(noor, "The market opens at dusk.")

    def _join(self, guild: Guild, user: User, days: float) -> Member:
        member = guild.join(user)
        member.joined_at = self._world.clock.now() - days * DAY
        return member
