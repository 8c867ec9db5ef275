"""Errors, named after what the caller may do next.

::

    UserError           tell the person; nothing happened, nothing was charged
     ├ BadRecipe        … which option to change
     ├ BadOption        … which option of a moderator's command to change
     ├ BadWords         … what is wrong with the phrase or the list
     ├ QuotaExceeded    … when the next credit frees
     ├ TooManyJobs      … how many are unfinished
     ├ NotAllowed       … which rule decided
     ├ JobNotFound      … absent or not yours: the same words
     ├ NothingHere      … absent or not yours to manage: the same words
     ├ NoVideoThere     … which message to use instead
     └ TooLate          … what state it is in
    StoreError
     ├ StaleState       somebody else moved the job: read it again
     ├ StorageTrouble   nothing can be written now: wait until it can be, then again
     └ SchemaTooNew     do not start: this database is from a newer version
    MediaError          the file cannot be used
     ├ Expired          … ask for a fresh address, then try again
     ├ Unreachable      … try again later
     ├ NotStored        … try again once our disk takes it: nothing is wrong with the file
     └ Unusable         … never: wrong kind, too large, not allowed
    DeliveryError
     ├ Denied           try the next place; do not come back here
     ├ TooLarge         try again here with a smaller file
     ├ Missing          bring the file back first
     └ TryLater         wait, then the same message again
    ConfigError         do not start: the text names the variable

What may be done about an answer of Pika is in ``bot.pika.errors``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class UserError(Exception):
    """A "no" that a person can act on. ``str()`` is the text for that person."""


class BadRecipe(UserError):
    """An option cannot be used; ``field`` is its name as the command spells it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class BadOption(UserError):
    """An option of a moderator's command cannot be used; ``field`` is its name as the command
    spells it.
    """

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class BadWords(UserError):
    """A phrase cannot be blocked as it is written, or a list of them cannot be read."""


class QuotaExceeded(UserError):
    """All credits of the window are used; ``frees_at`` is when the next one comes back."""

    def __init__(self, used: int, limit: int, frees_at: int | None, why: str) -> None:
        super().__init__(why)
        self.used = used
        self.limit = limit
        self.frees_at = frees_at


class TooManyJobs(UserError):
    """The member has as many unfinished jobs as the server allows at once."""


class NotAllowed(UserError):
    """A rule forbids it here; ``rule`` names the one that decided."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule


class JobNotFound(UserError):
    """No such job, or not one this person may touch: nobody learns which."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"I know no job {job_id} of yours in this server.")


class NothingHere(UserError):
    """There is no such thing in this server, or this person may not manage it: nobody learns
    which.
    """

    def __init__(self) -> None:
        super().__init__("I know nothing like that in this server that you may manage.")


class NoVideoThere(UserError):
    """The message carries no video of ours that this person could mean."""

    def __init__(self) -> None:
        super().__init__(
            "That message carries no video of mine. Use this on the message with the video itself."
        )


class TooLate(UserError):
    """The job is past the point where this could be done."""


class StoreError(Exception):
    """The database refused."""


class StaleState(StoreError):
    """The job was not in the state the caller thought; nothing was written."""


class StorageTrouble(StoreError):
    """Nothing can be written to the data directory now, and nothing was.

    ``what`` names the trouble in a few words, ``remedy`` what the operator can do about it,
    ``where`` the path that has it, where that is not the database's.
    """

    def __init__(self, what: str, remedy: str, where: str | None = None) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy
        self.where = where


class SchemaTooNew(StoreError):
    """The database was written by a newer version of the bot."""


class MediaError(Exception):
    """A file from outside cannot be had or used. ``str()`` is fit for people."""


class Expired(MediaError):
    """The address is no longer good; a fresh one may be."""


class Unreachable(MediaError):
    """The host did not deliver now; it may later."""


class NotStored(MediaError):
    """Our own disk does not take the file now."""


class Unusable(MediaError):
    """The file is not what it should be, or comes from where nothing may be fetched."""


class DeliveryError(Exception):
    """A message could not be written to Discord."""


@dataclass
class Denied(DeliveryError):
    """Discord will not take the message here, now or later. ``code`` is Discord's."""

    code: int
    why: str = ""

    def __str__(self) -> str:
        return f"Discord refused ({self.code}) {self.why}"


class TooLarge(DeliveryError):
    """Discord takes no file of this size here."""


class Missing(DeliveryError):
    """The video of this message is not on our disk."""


@dataclass
class TryLater(DeliveryError):
    """Discord did not take the message now. ``after`` is in seconds."""

    after: float
    why: str = ""

    def __str__(self) -> str:
        return f"Discord asks to try again in {self.after:g} s {self.why}"


@dataclass
class ConfigError(Exception):
    """Settings that cannot be used: one problem a line, each naming its variable."""

    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(self.problems)
