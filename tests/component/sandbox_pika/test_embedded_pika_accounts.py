"""The accounts of useapi.net."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.sandbox.pika import EmbeddedPika

CHANNEL = "1180000000000000002"
GOOD = {"discord": "MTE4secondToken", "channel": CHANNEL, "maxJobs": 3}


async def test_accounts_are_listed_with_the_token_in_clear(
    pika: EmbeddedPika, api: httpx.AsyncClient
) -> None:
    """GET /account is a bare map of channel to channel, discord and maxJobs."""
    (account,) = pika.accounts.values()

    answer = await api.get("/account")

    assert answer.json() == {
        account.channel: {
            "channel": account.channel, "discord": account.discord, "maxJobs": 10,
        }
    }  # fmt: skip


async def test_accounts_are_configured_and_removed(
    pika: EmbeddedPika, api: httpx.AsyncClient
) -> None:
    """POST is 204 without a body and shows in the list; DELETE takes it away, once."""
    answer = await api.post(f"/account/{CHANNEL}", json=GOOD)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get("/account")).json()[CHANNEL] == GOOD
    assert (await api.delete(f"/account/{CHANNEL}")).status_code == 204
    gone = await api.delete(f"/account/{CHANNEL}")
    assert (gone.status_code, gone.json()["code"]) == (404, 404)
    (only,) = pika.accounts
    await api.delete(f"/account/{only}")
    assert (await api.get("/account")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"discord": ""}, {"discord": None}, {"channel": ""}, {"maxJobs": None}, {"maxJobs": 0},
        {"maxJobs": 11}, {"maxJobs": "3"}, {"channel": "12"}, {"channel": "1180000000000000003"},
        {"discord": 5}, {"maxJobs": True}, {"channel": ["1"]}, {"discord": {}},
    ],
)  # fmt: skip
async def test_bad_configurations_are_400(
    pika: EmbeddedPika, api: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    """Missing, empty, out of range, not an id, not the path's channel: refused."""
    answer = await api.post(f"/account/{CHANNEL}", json={**GOOD, **change})

    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert CHANNEL not in pika.accounts


async def test_one_token_serves_one_channel(pika: EmbeddedPika, api: httpx.AsyncClient) -> None:
    """A token that another channel has already is refused in the documented words."""
    (account,) = pika.accounts.values()

    answer = await api.post(f"/account/{CHANNEL}", json={**GOOD, "discord": account.discord})

    text = f"Channel {account.channel} configuration has same discord value"
    assert (answer.status_code, answer.json()) == (400, {"error": text, "code": 400})


@pytest.mark.parametrize(
    "request_arguments",
    [{"data": {"a": "b"}}, {"content": b"{", "headers": {"Content-Type": "application/json"}},
     {"json": [1]}],
)  # fmt: skip
async def test_accounts_are_json(api: httpx.AsyncClient, request_arguments: dict[str, Any]) -> None:
    """A form, broken JSON and a list are 400."""
    answer = await api.post(f"/account/{CHANNEL}", **request_arguments)

    assert answer.status_code == 400
