"""Messages: limits, nonces, replies, mentions, lists, edits (Discord docs, resources/message)."""

from __future__ import annotations

import pytest

from bot.sandbox.discord import Permission

BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}
LINK = {"type": 2, "style": 5, "label": "Go", "url": "https://example.org"}
CHANNEL = {"type": "channel", "id": "1"}
TEXT = {"type": 10, "content": "hi"}
V2 = 1 << 15


def row(*children):
    """An action row."""
    return {"type": 1, "components": [*children]}


def select(**more):
    """A valid select menu."""
    return {
        "type": 3,
        "custom_id": "pick",
        "options": [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}],
        **more,
    }


REFUSED = {
    "2001 characters": {"content": "x" * 2001},
    "no string": {"content": 5},
    "11 embeds": {"embeds": [{"title": "x"}] * 11},
    "6001 characters of embeds": {"embeds": [{"description": "x" * 3001}] * 2},
    "long title": {"embeds": [{"title": "x" * 257}]},
    "26 fields": {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
    "empty field": {"embeds": [{"fields": [{"name": "n", "value": ""}]}]},
    "empty embed": {"embeds": [{}]},
    "6 rows": {"components": [row({**BUTTON, "custom_id": str(n)}) for n in range(6)]},
    "6 buttons": {"components": [row(*[{**BUTTON, "custom_id": str(n)} for n in range(6)])]},
    "no custom id": {"components": [row({"type": 2, "style": 1, "label": "x"})]},
    "long custom id": {"components": [row({**BUTTON, "custom_id": "x" * 101})]},
    "same custom id": {"components": [row(BUTTON), row(BUTTON)]},
    "url and custom id": {"components": [row({**LINK, "custom_id": "x"})]},
    "link without url": {"components": [row({"type": 2, "style": 5, "label": "x"})]},
    "url on a button": {"components": [row({**BUTTON, "url": "https://example.org"})]},
    "no label": {"components": [row({"type": 2, "style": 1, "custom_id": "x"})]},
    "long label": {"components": [row({**BUTTON, "label": "x" * 81})]},
    "unknown style": {"components": [row({**BUTTON, "style": 9})]},
    "select beside a button": {"components": [row(BUTTON, select())]},
    "26 options": {
        "components": [row(select(options=[{"label": str(n), "value": str(n)} for n in range(26)]))]
    },
    "no options": {"components": [row(select(options=[]))]},
    "same value twice": {"components": [row(select(options=[{"label": "a", "value": "a"}] * 2))]},
    "min over max": {"components": [row(select(min_values=2, max_values=1))]},
    "more than there are": {"components": [row(select(max_values=3))]},
    "more presets than may be chosen": {
        "components": [
            row({"type": 8, "custom_id": "p", "default_values": [CHANNEL, {**CHANNEL, "id": "2"}]})
        ]
    },
    "fewer presets than must be chosen": {
        "components": [
            row(
                {
                    "type": 8,
                    "custom_id": "p",
                    "default_values": [CHANNEL],
                    "min_values": 2,
                    "max_values": 3,
                }
            )
        ]
    },
    "a channel preset among roles": {
        "components": [row({"type": 6, "custom_id": "p", "default_values": [CHANNEL]})]
    },
    "V2 without the flag": {"components": [TEXT]},
    "V2 with content": {"content": "x", "components": [TEXT], "flags": V2},
    "V2 with embeds": {"embeds": [{"title": "x"}], "components": [TEXT], "flags": V2},
    "41 components": {"components": [TEXT] * 41, "flags": V2},
    "4001 characters": {"components": [{"type": 10, "content": "x" * 2001}] * 2, "flags": V2},
    "empty text": {"components": [{"type": 10, "content": ""}], "flags": V2},
    "section without accessory": {
        "components": [{"type": 9, "components": [TEXT]}],
        "flags": V2,
    },
    "container in a container": {
        "components": [{"type": 17, "components": [{"type": 17, "components": [TEXT]}]}],
        "flags": V2,
    },
    "empty gallery": {"components": [{"type": 12, "items": []}], "flags": V2},
    "missing attachment": {
        "components": [{"type": 13, "file": {"url": "attachment://nope.mp4"}}],
        "flags": V2,
    },
    "file from the web": {
        "components": [{"type": 13, "file": {"url": "https://example.org/x.mp4"}}],
        "flags": V2,
    },
    "parse and list": {
        "content": "x",
        "allowed_mentions": {"parse": ["users"], "users": ["1"]},
    },
    "unknown parse": {"content": "x", "allowed_mentions": {"parse": ["friends"]}},
    "long nonce": {"content": "x", "nonce": "n" * 26, "enforce_nonce": True},
    "flags not its own": {"content": "x", "flags": 64},
    "attachment that is not there": {"content": "x", "attachments": [{"id": "0"}]},
    "no id": {"content": "x", "message_reference": {"message_id": "abc"}},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
async def test_what_discord_refuses(server, community, rest, body):
    """400/50035 with the errors, nothing posted, and a violation on the record."""
    status, answer = await rest("POST", f"/channels/{community.channel.id}/messages", body)
    assert (status, answer["code"]) == (400, 50035)
    assert answer["errors"]
    assert community.channel.messages == []
    assert len(server.violations) == 1
    server.violations.clear()


async def test_the_limits_themselves_are_allowed(community, rest):
    """2000 characters, 10 embeds of 6000, 25 buttons, 40 components of 4000 characters."""
    for body in (
        {"content": "x" * 2000},
        {"embeds": [{"description": "x" * 600}] * 10},
        {
            "components": [
                row(*[{**BUTTON, "custom_id": f"{a}{b}"} for b in range(5)]) for a in range(5)
            ]
        },
        {"components": [{"type": 10, "content": "x" * 100}] * 40, "flags": V2},
        {"components": [row(select(min_values=0, max_values=2))]},
        {"components": [row({"type": 5, "custom_id": "who"})]},
    ):
        status, answer = await rest("POST", f"/channels/{community.channel.id}/messages", body)
        assert status == 200, answer


@pytest.mark.parametrize("body", [{}, {"content": "  "}, {"embeds": []}, {"flags": V2}])
async def test_an_empty_message(server, community, rest, body):
    """400/50006."""
    status, answer = await rest("POST", f"/channels/{community.channel.id}/messages", body)
    assert (status, answer["code"]) == (400, 50006)
    server.violations.clear()


async def test_broken_json_and_other_content_types(server, community, rest):
    """50109 for JSON that is none, 50035 for a form that is neither JSON nor multipart."""
    url = f"{server.api_url}/channels/{community.channel.id}/messages"
    headers = {"Authorization": f"Bot {server.token}", "Content-Type": "application/json"}
    async with rest.session.post(url, data=b"{", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)
        assert response.headers["Content-Type"] == "application/json"
    headers["Content-Type"] = "text/plain"
    async with rest.session.post(url, data=b"hi", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50035)
    server.violations.clear()


async def test_enforced_nonces(server, community, rest):
    """Within the window the first message comes back; deleted meanwhile, 404/10008; later anew."""
    send = {"content": "one", "nonce": "v1", "enforce_nonce": True}
    _, first = await rest.say(community.channel, **send)
    _, second = await rest.say(community.thread, **{**send, "content": "two"})
    assert second["id"] == first["id"]
    assert second["nonce"] == "v1"
    assert [m.text for m in community.channel.messages] == ["one"]
    _, other = await rest.say(community.channel, "free", nonce="v1")
    assert other["id"] != first["id"]
    server.world.posting.delete(community.channel.messages[-1])
    status, body = await rest.say(community.channel, **send)
    assert (status, body["code"]) == (404, 10008)
    server.clock.advance(server.world.nonce_window + 1)
    assert (await rest.say(community.channel, **send))[0] == 200


async def test_replies(server, community, rest):
    """Need the right to read history (160002); a vanished original is an error unless forgiven."""
    request = community.channel.post(community.alice, "please")
    reference = {"message_id": str(request.id), "channel_id": str(community.channel.id)}
    status, body = await rest.say(community.channel, "here", message_reference=reference)
    assert (status, body["type"]) == (200, 19)
    assert body["referenced_message"]["id"] == str(request.id)
    assert community.channel.messages[-1].mentions == [community.alice.user]
    server.world.posting.delete(request)
    status, body = await rest.say(community.channel, "here", message_reference=reference)
    assert (status, body["code"]) == (400, 50035)
    assert server.violations == []
    forgiven = {**reference, "fail_if_not_exists": False}
    status, body = await rest.say(community.channel, "here", message_reference=forgiven)
    assert (status, body["type"]) == (200, 0)
    for target in (community.guild.everyone, community.guild.bot_role):
        community.channel.set_overwrite(target, deny=Permission.READ_MESSAGE_HISTORY)
    status, body = await rest.say(community.channel, "here", message_reference=forgiven)
    assert (status, body["code"]) == (400, 160002)


@pytest.mark.parametrize(
    ("allowed", "users", "roles", "everyone"),
    [
        (None, {"alice", "mod"}, {"VIP"}, True),
        ({"parse": []}, set(), set(), False),
        ({"parse": ["users"]}, {"alice", "mod"}, set(), False),
        ({"parse": ["roles", "everyone"]}, set(), {"VIP"}, True),
        ({"parse": [], "users": ["alice"]}, {"alice"}, set(), False),
        ({"users": ["alice"], "roles": ["VIP"]}, {"alice"}, {"VIP"}, False),
        ({"parse": ["everyone", "roles"], "users": ["alice"]}, {"alice"}, {"VIP"}, True),
    ],
)
async def test_whom_a_text_notifies(server, community, rest, allowed, users, roles, everyone):
    """Exactly what ``allowed_mentions`` lets through; nothing is everything."""
    vip = community.guild.create_role("VIP")
    community.guild.bot_role.grant(Permission.MENTION_EVERYONE)
    ids = {"alice": str(community.alice.id), "mod": str(community.mod.id), "VIP": str(vip.id)}
    if allowed is not None:
        allowed = {key: [ids.get(item, item) for item in listed] for key, listed in allowed.items()}
    stranger = server.world.create_user("stranger")
    text = f"<@{ids['alice']}> <@!{ids['mod']}> <@&{vip.id}> {stranger.mention} @everyone"
    await rest.say(community.channel, text, allowed_mentions=allowed)
    (message,) = community.channel.messages
    assert {u.name for u in message.mentions} == users
    assert {r.name for r in message.mention_roles} == roles
    assert message.mention_everyone is everyone


async def test_everyone_and_roles_need_the_permission(community, rest):
    """Without MENTION_EVERYONE only mentionable roles are notified."""
    vip, fans = community.guild.create_role("VIP"), community.guild.create_role("fans")
    fans.mentionable = True
    await rest.say(community.channel, f"@here {vip.mention} {fans.mention}")
    (message,) = community.channel.messages
    assert message.mention_roles == [fans]
    assert not message.mention_everyone


async def test_interaction_answers_parse_only_users(community, rest, asked):
    """The default of interactions and webhooks; edits notify nobody unless they fill in a card."""
    community.guild.bot_role.grant(Permission.MENTION_EVERYONE)
    invocation = await asked()
    await rest.answer(invocation, 4, {"content": f"@everyone {community.mod.mention}"})
    assert invocation.message.mentions == [community.mod.user]
    assert not invocation.message.mention_everyone
    edit = {"content": community.alice.mention}
    await rest.hook("PATCH", invocation, "/messages/@original", edit)
    assert invocation.message.mentions == [community.mod.user]
    deferred = await asked()
    await rest.answer(deferred, 5)
    await rest.hook("PATCH", deferred, "/messages/@original", edit)
    assert deferred.message.mentions == [community.alice.user]


async def test_lists(server, community, rest):
    """Newest first; before, after and around; at most 100; bounds are checked."""
    ids = [str(community.channel.post(community.alice, str(n)).id) for n in range(10)]
    path = f"/channels/{community.channel.id}/messages"

    async def texts(query):
        return [m["content"] for m in (await rest("GET", f"{path}?{query}"))[1]]

    assert await texts("limit=3") == ["9", "8", "7"]
    assert await texts(f"limit=2&before={ids[5]}") == ["4", "3"]
    assert await texts(f"limit=2&after={ids[5]}") == ["7", "6"]
    assert await texts(f"limit=3&around={ids[5]}") == ["6", "5", "4"]
    assert (await rest("GET", f"{path}?limit=101"))[0] == 400
    server.violations.clear()
    for target in (community.guild.everyone, community.guild.bot_role):
        community.channel.set_overwrite(target, deny=Permission.READ_MESSAGE_HISTORY)
    assert await texts("") == []
    assert (await rest("GET", f"{path}/{ids[0]}"))[1]["code"] == 50013


async def test_edits(server, community, rest):
    """What is not named stays; an empty rest is refused; others' messages are not ours."""
    path = f"/channels/{community.channel.id}/messages"
    status, sent = await rest(
        "POST",
        path,
        {
            "content": "a",
            "attachments": [{"id": 0, "description": "alt"}],
            "embeds": [{"title": "t"}],
        },
        files={"a b.txt": b"1", "c.txt": b"2"},
    )
    assert status == 200
    assert [a["filename"] for a in sent["attachments"]] == ["a_b.txt", "c.txt"]
    assert sent["attachments"][0]["description"] == "alt"
    one = f"{path}/{sent['id']}"
    _, edited = await rest("PATCH", one, {"content": "b"})
    assert (edited["content"], len(edited["attachments"]), len(edited["embeds"])) == ("b", 2, 1)
    assert edited["edited_timestamp"]
    keep = [{"id": sent["attachments"][1]["id"]}, {"id": 0}]
    _, edited = await rest("PATCH", one, {"attachments": keep, "embeds": []}, files={"d.txt": b"3"})
    assert [a["filename"] for a in edited["attachments"]] == ["c.txt", "d.txt"]
    status, body = await rest("PATCH", one, {"content": "", "attachments": []})
    assert (status, body["code"]) == (400, 50006)
    server.violations.clear()
    theirs = community.channel.post(community.alice, "mine")
    status, body = await rest("PATCH", f"{path}/{theirs.id}", {"content": "no"})
    assert (status, body["code"]) == (403, 50005)
    status, body = await rest("DELETE", f"{path}/{theirs.id}")
    assert (status, body["code"]) == (403, 50013)
    community.guild.bot_role.grant(Permission.MANAGE_MESSAGES)
    assert (await rest("DELETE", f"{path}/{theirs.id}"))[0] == 204
    assert (await rest("DELETE", one))[0] == 204
    assert (await rest("GET", one))[1]["code"] == 10008


async def test_a_v2_message_stays_one(server, community, rest):
    """The flag cannot be removed, and content cannot come back; a legacy one must be emptied."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {"components": [TEXT], "flags": V2})
    status, _ = await rest("PATCH", f"{path}/{sent['id']}", {"content": "x"})
    assert status == 400
    _, edited = await rest("PATCH", f"{path}/{sent['id']}", {"components": [TEXT], "flags": 0})
    assert edited["flags"] & V2
    _, old = await rest("POST", path, {"content": "legacy"})
    status, _ = await rest("PATCH", f"{path}/{old['id']}", {"components": [TEXT], "flags": V2})
    assert status == 400
    change = {"components": [TEXT], "flags": V2, "content": None, "embeds": None}
    assert (await rest("PATCH", f"{path}/{old['id']}", change))[0] == 200
    server.violations.clear()


async def test_old_messages_take_few_edits(server, community, rest):
    """After several edits of messages older than an hour: 429/30046."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {"content": "x"})
    server.clock.advance(3601)
    for _ in range(server.edits.count):
        assert (await rest("PATCH", f"{path}/{sent['id']}", {"content": "y"}))[0] == 200
    status, body = await rest("PATCH", f"{path}/{sent['id']}", {"content": "y"})
    assert (status, body["code"]) == (429, 30046)
    assert body["retry_after"] > 0
    server.clock.advance(server.edits.seconds)
    assert (await rest("PATCH", f"{path}/{sent['id']}", {"content": "y"}))[0] == 200


async def test_direct_messages(server, community, rest):
    """50007 when closed, 50278 without a common server, 10013 for nobody."""
    _, channel = await rest("POST", "/users/@me/channels", {"recipient_id": community.alice.id})
    path = f"/channels/{channel['id']}/messages"
    assert (await rest("POST", path, {"content": "hi"}))[0] == 200
    community.alice.user.dms_open = False
    assert (await rest("POST", path, {"content": "hi"}))[1]["code"] == 50007
    community.guild.kick(community.alice)
    assert (await rest("POST", path, {"content": "hi"}))[1]["code"] == 50278
    assert (await rest("POST", "/users/@me/channels", {"recipient_id": "1"}))[1]["code"] == 10013
