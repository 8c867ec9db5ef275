"""May this order pass? One function decides and says why; nobody else decides anything.

Intake refuses by its trace, ``/quota`` and ``/moderate explain`` show the same trace: they
cannot disagree.
"""

from __future__ import annotations

from bot.rules import access, limits
from bot.rules.books import Books
from bot.rules.costs import Order, cost
from bot.rules.policy import Asker, Rulebook
from bot.rules.trace import Rule, Trace


def decide(book: Rulebook, asker: Asker, order: Order, books: Books, now: int) -> Trace:
    """Test every rule on one more order, in their order.

    ``books`` answer what ``limits.needs(book, asker)`` names, as of ``now``.
    """
    price = cost(order, book.server.weights)
    server = book.server
    return Trace(
        lines=(
            access.stopped(Rule.OPERATOR_PAUSE, book.operator.pause, now),
            access.stopped(Rule.SERVER_PAUSE, server.pause, now),
            access.stopped(Rule.BLOCKED, book.member.block, now),
            access.barred_role(server, asker),
            access.required_role(server, asker),
            access.newcomer(server, asker, now),
            access.channel(server, asker),
            access.age(server, asker),
            access.words(order.blocked_phrase),
            limits.unfinished(book, asker, books),
            limits.member_limit(book, asker, price, books, now),
            *limits.channel_limit(book, asker, price, books),
            limits.server_budget(book, asker, price, books),
            limits.operator_ceiling(book, price, books),
        ),
        cost=price,
        at=now,
    )
