"""What moderators may do in their own server; who is one is checked before, by ``bot.ui``.

==========  ============================================================
governing   changing what is set, and reading it; the audit log
presets     limits to begin with, for servers of different sizes
jobs        the server's unfinished jobs, and cancelling one
removals    taking videos away
reported    videos that members find should go
words       the list of words
reviews     deciding about videos that wait
reports     what was used
options     what moderators typed, checked and in the units of the store
==========  ============================================================
"""

from dataclasses import dataclass

from bot.store.audit import AuditEntry
from bot.store.governing import Access, Whose
from bot.store.reports import UsageReport
from bot.workflow.moderation.governing import Governing, Keep, Moderator, Standing
from bot.workflow.moderation.jobs import ServerJobs
from bot.workflow.moderation.removals import Removals
from bot.workflow.moderation.reported import ReportedVideos
from bot.workflow.moderation.reports import Reports
from bot.workflow.moderation.reviews import Reviews
from bot.workflow.moderation.words import BlockLists


@dataclass(frozen=True, slots=True)
class Moderation:
    """All of it, as commands and buttons reach it."""

    governing: Governing
    jobs: ServerJobs
    removals: Removals
    reported: ReportedVideos
    words: BlockLists
    reports: Reports
    reviews: Reviews


__all__ = [
    "Access",
    "AuditEntry",
    "BlockLists",
    "Governing",
    "Keep",
    "Moderation",
    "Moderator",
    "Removals",
    "ReportedVideos",
    "Reports",
    "Reviews",
    "ServerJobs",
    "Standing",
    "UsageReport",
    "Whose",
]
