"""Interactions: three seconds, one first response, fifteen minutes (Discord docs, interactions)."""

from __future__ import annotations

import pytest

from bot.sandbox.discord import DidNotRespond


async def test_a_first_response_is_accepted_once(asked, rest):
    """A second first response is refused as 400/40060."""
    invocation = await asked()
    assert (await rest.answer(invocation, 4, {"content": "hi"}))[0] == 200
    status, body = await rest.answer(invocation, 4, {"content": "again"})
    assert (status, body["code"]) == (400, 40060)


async def test_without_a_request_for_the_response_there_is_no_body(asked, rest):
    """204 unless ``with_response`` says 1 or true; both are honoured."""
    for query, expected in (("", 204), ("?with_response=0", 204), ("?with_response=1", 200)):
        invocation = await asked()
        path = f"/interactions/{invocation.id}/{invocation.token}/callback{query}"
        status, _ = await rest("POST", path, {"type": 5}, token=None)
        assert status == expected


async def test_three_seconds_without_a_response_fail_the_interaction(server, asked, rest):
    """The person sees that nothing happened; a later response meets 404/10062."""
    invocation = await asked()
    server.clock.advance(3.01)
    with pytest.raises(DidNotRespond, match="did not respond"):
        await invocation.acknowledged()
    assert invocation.failed
    status, body = await rest.answer(invocation, 5)
    assert (status, body["code"]) == (404, 10062)
    status, body = await rest.hook("POST", invocation, json={"content": "late"})
    assert (status, body["code"]) == (404, 10015)


async def test_three_seconds_pass_in_real_time_too(server, asked):
    """The rule needs nobody to move the clock; it is tested one hair before the end."""
    invocation = await asked()
    server.clock.advance(2.95)
    with pytest.raises(DidNotRespond):
        await invocation.acknowledged()


async def test_a_wrong_token_is_an_unknown_interaction(asked, rest):
    """10062 for a token that belongs to no interaction, or to another one."""
    first, second = await asked(), await asked()
    path = f"/interactions/{first.id}/{second.token}/callback"
    status, body = await rest("POST", path, {"type": 5}, token=None)
    assert (status, body["code"]) == (404, 10062)


async def test_the_token_lives_fifteen_minutes(server, asked, rest):
    """Edits, follow-ups and deletions work up to then; afterwards 401/50027."""
    invocation = await asked()
    await rest.answer(invocation, 5)
    server.clock.advance(14 * 60)
    assert (await rest.hook("PATCH", invocation, "/messages/@original", {"content": "ok"}))[
        0
    ] == 200
    server.clock.advance(61)
    for method, tail, body in (
        ("PATCH", "/messages/@original", {"content": "late"}),
        ("POST", "", {"content": "late"}),
        ("DELETE", "/messages/@original", None),
    ):
        status, answer = await rest.hook(method, invocation, tail, body)
        assert (status, answer["code"]) == (401, 50027)
    server.clock.advance(3600)
    status, answer = await rest.hook("POST", invocation, json={"content": "much later"})
    assert (status, answer["code"]) == (401, 50027)
    assert server.invalid_requests == 4


async def test_follow_ups_need_a_first_response(asked, rest):
    """Before it, the webhook is unknown (404/10015)."""
    invocation = await asked()
    status, body = await rest.hook("POST", invocation, json={"content": "too early"})
    assert (status, body["code"]) == (404, 10015)
    status, body = await rest("POST", "/webhooks/1/abc", {"content": "x"}, token=None)
    assert (status, body["code"]) == (404, 10015)


async def test_the_first_follow_up_after_a_deferral_fills_it_in(community, asked, rest):
    """There is still one message, and it keeps the privacy chosen when deferring."""
    invocation = await asked()
    await rest.answer(invocation, 5)
    assert invocation.message.loading
    assert community.thread.messages == [invocation.message]
    status, body = await rest.hook("POST", invocation, json={"content": "done", "flags": 64})
    assert status == 200
    assert body["id"] == str(invocation.message.id)
    assert not invocation.message.ephemeral
    assert not invocation.message.loading
    await rest.hook("POST", invocation, json={"content": "psst", "flags": 64})
    assert [m.text for m in community.thread.messages] == ["done"]
    assert [m.text for m in invocation.followups] == ["psst"]
    assert [m.text for m in community.thread.seen_by(community.alice)] == ["done", "psst"]
    assert [m.text for m in community.thread.seen_by(community.mod)] == ["done"]


async def test_ephemeral_is_fixed_by_the_first_response(community, asked, rest):
    """An ephemeral deferral stays private, and the bot's own token does not reach it."""
    invocation = await asked()
    await rest.answer(invocation, 5, {"flags": 64})
    await rest.hook("PATCH", invocation, "/messages/@original", {"content": "secret"})
    assert invocation.ephemeral
    assert community.thread.messages == []
    path = f"/channels/{community.thread.id}/messages/{invocation.message.id}"
    status, body = await rest("PATCH", path, {"content": "x"})
    assert (status, body["code"]) == (404, 10008)


async def test_a_public_answer_can_be_edited_by_the_bot_after_the_token_died(
    server, community, asked, rest
):
    """With its message id and the bot's token, for as long as it exists."""
    invocation = await asked()
    _, body = await rest.answer(invocation, 4, {"content": "first"})
    message_id = body["interaction"]["response_message_id"]
    server.clock.advance(16 * 60)
    path = f"/channels/{community.thread.id}/messages/{message_id}"
    assert (await rest("PATCH", path, {"content": "second"}))[0] == 200
    assert invocation.message.text == "second"


@pytest.mark.parametrize(("kind", "allowed"), [(1, False), (6, False), (7, False), (8, False)])
async def test_commands_take_only_their_own_kinds_of_response(server, asked, rest, kind, allowed):
    """A ping, an update or suggestions do not answer a command; the token stays good."""
    invocation = await asked()
    status, body = await rest.answer(invocation, kind)
    assert (status, body["code"]) == (400, 50035)
    assert "type" in body["errors"] or "_errors" in body["errors"]
    assert (await rest.answer(invocation, 5))[0] == 200
    server.violations.clear()


async def test_a_deferral_takes_only_the_ephemeral_flag(server, asked, rest):
    """Components V2 must come with the edit, not with the deferral."""
    invocation = await asked()
    status, body = await rest.answer(invocation, 5, {"flags": 1 << 15})
    assert (status, body["code"]) == (400, 50035)
    assert len(server.violations) == 1
    server.violations.clear()


async def test_interactions_demand_no_authorization_and_others_do(server, community, asked, rest):
    """Interaction endpoints carry their secret in the path; elsewhere 401 counts as invalid."""
    invocation = await asked()
    assert (await rest.answer(invocation, 4, {"content": "hi"}))[0] == 200
    assert (await rest.hook("GET", invocation, "/messages/@original"))[0] == 200
    status, _ = await rest("GET", "/users/@me", token=None)
    assert status == 401
    status, _ = await rest("GET", "/users/@me", token="wrong")
    assert status == 401
    assert server.invalid_requests == 2


async def test_the_original_can_be_read_and_deleted(community, asked, rest):
    """Afterwards it is an unknown message; follow-ups go on working."""
    invocation = await asked()
    await rest.answer(invocation, 4, {"content": "hi"})
    assert (await rest.hook("GET", invocation, "/messages/@original"))[1]["content"] == "hi"
    assert (await rest.hook("DELETE", invocation, "/messages/@original"))[0] == 204
    status, body = await rest.hook("PATCH", invocation, "/messages/@original", {"content": "x"})
    assert (status, body["code"]) == (404, 10008)
    status, body = await rest.hook("POST", invocation, json={"content": "more"})
    assert status == 200
    tail = f"/messages/{body['id']}"
    assert (await rest.hook("PATCH", invocation, tail, {"content": "most"}))[0] == 200
    assert (await rest.hook("GET", invocation, tail))[1]["content"] == "most"
    assert (await rest.hook("DELETE", invocation, tail))[0] == 204
    assert community.thread.messages == []


async def test_a_deleted_thread_ends_its_conversation(community, asked, rest):
    """Follow-ups meet an unknown channel, the original an unknown message."""
    invocation = await asked()
    await rest.answer(invocation, 5)
    community.thread.delete()
    status, body = await rest.hook("PATCH", invocation, "/messages/@original", {"content": "x"})
    assert (status, body["code"]) == (404, 10008)
    status, body = await rest.hook("POST", invocation, json={"content": "x"})
    assert (status, body["code"]) == (404, 10003)


async def test_the_answer_tells_what_was_asked(community, asked, rest):
    """Message type and metadata name the command, its user and its installation."""
    invocation = await asked()
    _, body = await rest.answer(invocation, 4, {"content": "hi"})
    message = body["resource"]["message"]
    assert message["type"] == 20
    assert message["interaction_metadata"]["user"]["id"] == str(community.alice.id)
    assert message["interaction_metadata"]["authorizing_integration_owners"] == {
        "0": str(community.guild.id)
    }
    assert message["application_id"] == message["webhook_id"]


async def test_waiting_for_an_answer_says_what_is_still_missing(asked, rest):
    """``answered`` returns the filled-in message and times out on a card that only thinks."""
    invocation = await asked()
    await rest.answer(invocation, 5)
    with pytest.raises(TimeoutError, match="loading"):
        await invocation.answered(timeout=0.01)
    await rest.hook("PATCH", invocation, "/messages/@original", {"content": "done"})
    assert (await invocation.answered()).text == "done"


async def test_a_press_can_update_defer_or_open_a_form(server, community, asked, rest):
    """Each kind of response to a button does what its name says to the message it sits on."""
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    invocation = await asked()
    await rest.answer(invocation, 4, {"content": "card", "components": [row]})
    card = invocation.message

    press = await server.press(community.alice, card, label="Go")
    await rest.answer(press, 7, {"content": "changed"})
    assert press.kind == "update"
    assert press.message is card
    assert card.text == "changed"

    press = await server.press(community.alice, card, custom_id="go")
    await rest.answer(press, 6)
    assert press.kind == "deferred_update"
    await rest.hook("PATCH", press, "/messages/@original", {"content": "later"})
    assert card.text == "later"
    await rest.hook("POST", press, json={"content": "new"})
    assert [m.text for m in community.thread.messages] == ["later", "new"]

    press = await server.press(community.alice, card, label="Go")
    await rest.answer(press, 5, {"flags": 64})
    assert press.message is not card
    assert press.ephemeral

    press = await server.press(community.alice, card, label="Go")
    field = {"type": 4, "custom_id": "why", "style": 1, "label": "Why", "required": True}
    form = {"custom_id": "f", "title": "T", "components": [{"type": 1, "components": [field]}]}
    await rest.answer(press, 9, form)
    assert press.kind == "modal"
    submit = await server.submit_modal(community.alice, press, {"why": "because"})
    await rest.answer(submit, 7, {"content": "formed"})
    assert card.text == "formed"
    status, body = await rest.answer(submit, 9, form)
    assert (status, body["code"]) == (400, 40060)


async def test_a_form_cannot_answer_a_form(server, community, asked, rest):
    """Type 9 in reply to a submission is refused, and so is 7 where there is no message."""
    field = {"type": 4, "custom_id": "why", "style": 1, "label": "Why"}
    form = {"custom_id": "f", "title": "T", "components": [{"type": 1, "components": [field]}]}
    invocation = await asked()
    await rest.answer(invocation, 9, form)
    submit = await server.submit_modal(community.alice, invocation, {"why": "x"})
    for kind, data in ((9, form), (7, {"content": "x"}), (6, None)):
        assert (await rest.answer(submit, kind, data))[0] == 400
    assert (await rest.answer(submit, 4, {"content": "thanks"}))[0] == 200
    assert len(server.violations) == 3
    server.violations.clear()
