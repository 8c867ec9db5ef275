"""What is done for whole servers, beside the way of jobs and off it.

=======  ==============================================================
budgets  telling a server that its budget is nearly used up
care     all of it as one loop
chores   what of it is counted
digests  telling the log channel of each day
keeping  erasing words and pictures that were kept for long enough
log      telling the log channel of every change, once, in order
rounds   doing such things again and again until the bot stops
strikes  blocking whoever gives Pika too much to refuse
=======  ==============================================================
"""

from bot.store.digests import Digest
from bot.store.logbook import LogLine
from bot.workflow.servers.care import Care
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.digests import Digests
from bot.workflow.servers.keeping import Keeping
from bot.workflow.servers.log import Page, ServerLog
from bot.workflow.servers.rounds import Rounds

__all__ = [
    "Care",
    "Chore",
    "Digest",
    "Digests",
    "Keeping",
    "LogLine",
    "Page",
    "Rounds",
    "ServerLog",
]
