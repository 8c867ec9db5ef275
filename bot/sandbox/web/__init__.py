"""The page: a client of the embedded Discord in a browser, and two drawers full of misfortune.

`server.py` serves it; `protocol.py` is what page and server say to each other. A `connection.py`
plays one person: `view.py` puts together what that person sees from `sight.py` (what may be
seen), `places.py`, `messages.py` and `backstage.py` (documents), and sends what changed. What the
person does goes through `actions.py` to the embedded Discord's own hands, or to `talk.py` for
what people do without the bot. `tools.py` is what the drawers are made of, `tools_*.py` what is in
them; `files.py` takes uploads and serves attachments.

It knows the embedded Discord, the embedded Pika, and of the bot only a `BotControl`.
"""

from bot.sandbox.web.control import BotControl
from bot.sandbox.web.players import Player
from bot.sandbox.web.server import Page

__all__ = ["BotControl", "Page", "Player"]
