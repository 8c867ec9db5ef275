"""Places with messages: text channels, forums, threads and direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import payloads
from .messages import Message
from .people import Member, Role, User
from .permissions import NONE, Overwrite, Permission

if TYPE_CHECKING:
    from .guilds import Guild
    from .world import World

Json = dict[str, Any]

TEXT: Final = 0
DM: Final = 1
ANNOUNCEMENT: Final = 5
ANNOUNCEMENT_THREAD: Final = 10
PUBLIC_THREAD: Final = 11
PRIVATE_THREAD: Final = 12
FORUM: Final = 15
#: Minutes without a message after which a thread may archive itself.
ARCHIVE_MINUTES: Final = frozenset({60, 1440, 4320, 10080})


class Channel:
    """What every place with messages has."""

    is_thread = False
    guild: Guild | None = None

    def __init__(self, world: World, channel_id: int, kind: int, name: str) -> None:
        self.world = world
        self.id = channel_id
        self.type = kind
        self.name = name
        self.deleted = False
        self.last_message_id: int | None = None
        self.by_id: dict[int, Message] = {}
        self.ephemerals: dict[int, Message] = {}

    @property
    def messages(self) -> list[Message]:
        """The messages everyone here sees, oldest first."""
        return list(self.by_id.values())

    @property
    def home(self) -> GuildChannel | None:
        """The channel whose overwrites apply here; None in direct messages."""
        return None

    @property
    def mention(self) -> str:
        """The text that links to the channel."""
        return f"<#{self.id}>"

    def seen_by(self, person: User | Member) -> list[Message]:
        """The messages one person sees: everyone's and their own ephemeral ones, in order."""
        own = [
            m for m in self.ephemerals.values() if m.ephemeral_to and m.ephemeral_to.id == person.id
        ]
        return sorted([*self.by_id.values(), *own], key=lambda message: message.id)

    def find(self, message_id: int) -> Message | None:
        """The message with this id that everyone sees, unless it was deleted."""
        return self.by_id.get(message_id)

    def payload(self) -> Json:
        """The channel object of the API."""
        raise NotImplementedError

    def post(self, author: User | Member, content: str) -> Message:
        """A person writes a message here; the bot hears of it as its intents allow."""
        user = author.user if isinstance(author, Member) else author
        return self.world.posting.say(self, user, content)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class GuildChannel(Channel):
    """A channel of a server."""

    guild: Guild

    def __init__(
        self,
        guild: Guild,
        kind: int,
        name: str,
        *,
        nsfw: bool = False,
        parent_id: int | None = None,
    ) -> None:
        super().__init__(guild.world, guild.world.ids.next(), kind, name)
        self.guild = guild
        self.nsfw = nsfw
        self.topic: str | None = None
        self.position = len(guild.channels)
        self.category_id = parent_id
        self.overwrites: dict[int, Overwrite] = {}
        self.slowmode = 0

    def payload(self) -> Json:
        """The channel object of the API."""
        return payloads.channel(self)

    @property
    def home(self) -> GuildChannel:
        """The channel whose overwrites apply here: itself."""
        return self

    def set_overwrite(
        self, target: Role | Member, *, allow: Permission = NONE, deny: Permission = NONE
    ) -> None:
        """Allow and deny one role or member things in this channel, replacing what was set."""
        if allow or deny:
            is_member = isinstance(target, Member)
            self.overwrites[target.id] = Overwrite(target.id, is_member, allow, deny)
        else:
            self.overwrites.pop(target.id, None)
        self.guild.channel_changed(self)

    def delete(self) -> None:
        """Remove the channel with its threads and messages."""
        self.guild.delete_channel(self)


class TextChannel(GuildChannel):
    """A text channel."""

    def create_thread(
        self, name: str, *, owner: Member, private: bool = False, message: Message | None = None
    ) -> Thread:
        """Start a thread, from ``message`` if one is given."""
        kind = PRIVATE_THREAD if private else PUBLIC_THREAD
        thread = Thread(self, kind, name, owner.user, starter=message)
        self.guild.add_thread(thread, starter=message)
        return thread


class ForumChannel(GuildChannel):
    """A forum: every post is a thread with a first message."""

    def create_post(self, name: str, *, owner: Member, content: str = "First!") -> Thread:
        """A member opens a post."""
        thread = Thread(self, PUBLIC_THREAD, name, owner.user)
        self.guild.add_thread(thread)
        self.world.posting.say(thread, owner.user, content, message_id=thread.id)
        return thread


class Thread(Channel):
    """A thread; ``members`` are the ids of those who joined it."""

    is_thread = True
    guild: Guild

    def __init__(
        self,
        parent: GuildChannel,
        kind: int,
        name: str,
        owner: User,
        *,
        starter: Message | None = None,
    ) -> None:
        thread_id = starter.id if starter else parent.world.ids.next()
        super().__init__(parent.world, thread_id, kind, name)
        self.parent = parent
        self.guild = parent.guild
        self.owner = owner
        self.created_at = parent.world.clock.now()
        self.archived = False
        self.locked = False
        self.invitable = True
        self.archived_at = self.created_at
        self.auto_archive_minutes = 1440
        self.slowmode = 0
        self.total_sent = 0
        self.applied_tags: list[int] = []
        self.members: dict[int, float] = {owner.id: self.created_at}

    def payload(self) -> Json:
        """The thread object of the API."""
        return payloads.thread(self)

    @property
    def home(self) -> GuildChannel:
        """The channel whose overwrites apply here: the parent."""
        return self.parent

    @property
    def private(self) -> bool:
        """Whether only its members and those who manage threads see it."""
        return self.type == PRIVATE_THREAD

    @property
    def nsfw(self) -> bool:
        """Age restriction, which threads inherit."""
        return self.parent.nsfw

    def visible_to(self, member: Member) -> bool:
        """Whether the member can open the thread."""
        if not member.can(Permission.VIEW_CHANNEL, self):
            return False
        joined = not self.private or member.id in self.members
        return joined or member.can(Permission.MANAGE_THREADS, self)

    def archive(self) -> None:
        """Archive it, as silence or a member does."""
        self.update(archived=True)

    def unarchive(self) -> None:
        """Open it again."""
        self.update(archived=False)

    def lock(self) -> None:
        """A moderator locks it; combine with ``archive`` to close it for good."""
        self.update(locked=True)

    def unlock(self) -> None:
        """A moderator unlocks it."""
        self.update(locked=False)

    def update(self, *, archived: bool | None = None, locked: bool | None = None) -> None:
        """Change both marks in one event."""
        if archived is not None and archived != self.archived:
            self.archived = archived
            self.archived_at = self.world.clock.now()
        if locked is not None:
            self.locked = locked
        self.guild.thread_changed(self)

    def add_member(self, member: Member) -> None:
        """Let a member join."""
        self.members[member.id] = self.world.clock.now()
        self.guild.thread_members_changed(self, added=[member.id])

    def remove_member(self, member: Member) -> None:
        """Let a member leave."""
        if self.members.pop(member.id, None) is not None:
            self.guild.thread_members_changed(self, removed=[member.id])

    def delete(self) -> None:
        """Remove the thread with its messages."""
        self.guild.delete_thread(self)


class DirectChannel(Channel):
    """The direct messages of one user with the bot."""

    def __init__(self, world: World, recipient: User) -> None:
        super().__init__(world, world.ids.next(), DM, f"@{recipient.name}")
        self.recipient = recipient

    def payload(self) -> Json:
        """The channel object of the API."""
        return payloads.direct(self)


#: Where a message can be.
AnyChannel = Channel
