"""The OpenAPI oracle: what it knows, catches and lets through."""

from __future__ import annotations

import pytest

from bot.sandbox.discord.server import _router
from bot.sandbox.openapi import Oracle

MESSAGES = "/channels/{channel_id}/messages"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"


@pytest.fixture
def oracle(openapi):
    if openapi is None:
        pytest.skip("DISCORD_OPENAPI names no file")
    return Oracle(openapi)


def served(node=None, found=None):
    """Every route of the sandbox."""
    node, found = node or _router()._root, [] if found is None else found
    found += node.routes.values()
    for child in [*node.fixed.values(), *([node.any] if node.any else [])]:
        served(child, found)
    return found


def test_everything_served_is_discords(oracle):
    """No operation is invented, and every template is spelled as in the file."""
    routes = served()
    assert len(routes) > 50
    assert [r for r in routes if not oracle.knows(r.method, r.template)] == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": 5},
        {"kontent": "typing error"},
        {"embeds": {}},
        {"components": [{"type": 1, "components": [{"type": 99}]}]},
        {"message_reference": {}},
        {"attachments": [{}]},
        {"allowed_mentions": {"parse": ["x"]}},
    ],
)
def test_it_catches(oracle, body):
    """Wrong types, unknown keys, missing keys, unknown alternatives; in readable words."""
    problems = oracle.check_request("POST", MESSAGES, body)
    assert problems
    assert all(0 < len(problem) <= 300 for problem in problems)


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x", "allowed_mentions": {"users": [1]}, "tts": False},
        {"message_reference": {"message_id": 1, "channel_id": 2}},
        {"attachments": [{"id": 0, "filename": "a"}]},
        {"embeds": [{"title": "x", "flags": 0, "type": "rich"}]},
    ],
)
def test_it_lets_through_what_clients_send(oracle, body):
    """Ids as numbers, and the few keys the file leaves out."""
    assert oracle.check_request("POST", MESSAGES, body) == []


def test_it_names_the_nearest_alternative(oracle):
    """Not "none of these fits", but what was wrong with the one that was meant."""
    body = {"type": 4, "data": {"content": "x" * 2001}}
    (problem,) = oracle.check_request("POST", CALLBACK, body)
    assert "data/content" in problem


def test_answers(oracle):
    """Bodies and statuses of successes are checked; errors are not described."""
    assert oracle.check_answer("GET", "/users/@me", 200, {"id": 1})
    assert oracle.check_answer("GET", "/users/@me", 204, None)
    assert oracle.check_answer("DELETE", "/channels/{channel_id}/messages/{message_id}", 204, {})
    assert oracle.check_answer("GET", "/users/@me", 401, {"message": "no", "code": 0}) == []
    assert oracle.check_request("GET", "/users/@you", None) == ["Discord has no GET /users/@you"]
    assert oracle.check_request("GET", "/users/@me", {"a": 1})
