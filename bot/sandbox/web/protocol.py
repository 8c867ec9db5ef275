"""What the page and its server say to each other: THE CONTRACT between both sides.

One WebSocket, ``/socket`` (``/socket?person=ID`` plays that person from the start; an unknown
id plays the first one). Everything is JSON text. Ids are strings, as Discord's are; sort
messages and threads by id as *numbers* (``BigInt``, or by length and then by text). Fields that
end in ``_at`` are milliseconds since 1970; fields of Discord's own objects are Discord's (ISO
times in ``timestamp``, permissions as decimal strings …).

Server → page
-------------

*State* is a flat map of documents by key. A document is always sent whole and replaces the one
before it; there are no partial updates, and no document is ever null::

    {"set": {"bot": {…}, "message:11:12": {…}}, "del": ["message:11:9"], "all": false}

``all`` is true in the first one after connecting: forget every document from before, then apply
it. Documents are those of the person this page plays; what that person may not see is not sent.
When a page becomes somebody else, the difference is sent like any other.

*Answers*, one per request, by its ``id``. Whatever the request changed has been sent as state
before its answer, so after the answer the documents can be relied on::

    {"id": 7, "ok": {"invocation": "123"}}
    {"id": 8, "error": "you do not have permission to use application commands"}

``error`` is for people, a clause without capital and full stop: show it as a sentence. Nothing
else follows from it.

The keys
--------

==========================  ===================  ==================================================
key                         document             there is one for
==========================  ===================  ==================================================
``town``                    ``Town``             the page itself
``bot``                     ``Bot``              the bot's process and connection
``me``                      ``Me``               whom this page plays
``person:USER``             ``Person``           each person the page may play
``user:USER``               ``User``             every account that somebody may mention
``guild:GUILD``             ``Guild``            each server I am in
``member:GUILD:USER``       ``Member``           each member of those servers
``standing:GUILD``          ``Standing``         what that server thinks of me
``channel:CHANNEL``         ``Channel``          each channel, thread and direct message I may see
``message:CHANNEL:ID``      ``Message``          the last 200 messages I see in each of them
``command:ID``              ``Command``          each command that is registered and offered to me
``invocation:ID``           ``Invocation``       what I did on *this page* that still matters
``modal``                   ``Modal``            the form that is open on this page, if one is
``pika``                    ``Pika``             the embedded Pika API as a whole
``job:ID``                  ``Job``              each job at the embedded API
``tool:NAME``               ``Tool``             each thing the two drawers can do
``fault:ID``                ``Fault``            each misfortune that is in force now
==========================  ===================  ==================================================

They are described one by one in `documents.py`, from ``bot`` and ``pika`` on in
`documents_backstage.py`.

Page → server
-------------

``{"id": 7, "do": "invoke", …}``; ``id`` is any number, the page's own. The requests are
the TypedDicts of `requests.py`; its ``REQUESTS`` maps ``do`` to them. What a request answers is
written in its docstring; ``{}`` where nothing is said.

Files
-----

``POST /files?name=cat.png`` with the file as the whole body and its ``Content-Type`` (same
origin only). Answers 200 ``{"file": "TOKEN", "name": "cat.png", "size": 1234, "type":
"image/png"}``, or 4xx ``{"error": "words"}``. Where a request takes a file, it takes that token.
A token may be used several times and lives as long as the server; at most ``town.max_file`` bytes.

Attachments, thumbnails and galleries in messages carry links of the page's own
(``/media/…``) in ``url`` and ``proxy_url``: stable, never expiring, with Range requests. Other
addresses (an image somewhere else, a link of Pika's) are as the bot sent them.

Texts and buttons may hold links of the form ``https://discord.com/channels/GUILD/CHANNEL`` or
``…/CHANNEL/MESSAGE`` (``@me`` for GUILD in direct messages): they lead to places in the page.
Ephemeral messages stay until they are dismissed, whichever of their person's pages does it.

The page is served from 127.0.0.1 under a Content-Security-Policy: scripts and styles from this
server only (no inline script, no inline ``<style>`` or ``style="…"`` in HTML text; setting
``element.style`` from JavaScript is fine), pictures and videos also from ``blob:`` and the two
embedded CDNs, no frames, no forms that submit.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def change(fresh: dict[str, Any], gone: list[str], *, everything: bool) -> Json:
    """The message that carries this difference."""
    return {"set": fresh, "del": gone, "all": everything}
