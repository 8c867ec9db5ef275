"""The embedded Discord: a strict stand-in over real sockets on 127.0.0.1.

``EmbeddedDiscord`` is the server; ``server.world`` is what people see and change; people act
through ``server.invoke``, ``press``, ``select`` and ``submit_modal``. It knows nothing of the bot
that talks to it: any client of Discord's API will do.
"""

from bot.sandbox.faults import Fault, Faults

from .channels import Channel, DirectChannel, ForumChannel, TextChannel, Thread
from .errors import ClientRefused, DidNotRespond
from .guilds import Guild
from .invocations import Invocation
from .media import Attachment, Upload
from .messages import Message
from .people import Member, Role, User
from .permissions import BOT_DEFAULT, EVERYONE_DEFAULT, Permission
from .server import EmbeddedDiscord
from .world import World

__all__ = [
    "BOT_DEFAULT",
    "EVERYONE_DEFAULT",
    "Attachment",
    "Channel",
    "ClientRefused",
    "DidNotRespond",
    "DirectChannel",
    "EmbeddedDiscord",
    "Fault",
    "Faults",
    "ForumChannel",
    "Guild",
    "Invocation",
    "Member",
    "Message",
    "Permission",
    "Role",
    "TextChannel",
    "Thread",
    "Upload",
    "User",
    "World",
]
