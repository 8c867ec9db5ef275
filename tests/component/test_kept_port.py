"""A port for a process that comes later."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from bot.demo.port import HOST, KeptPort

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port cannot be kept")


async def _listen(port: int) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), HOST, port)
    server.close()
    await server.wait_closed()


@linux
async def test_a_demo_whose_bot_found_its_port_taken() -> None:
    """The process it is meant for listens there, and again after it was killed; a socket that does
    not ask for a port in use cannot have it.
    """
    with KeptPort() as kept:
        await _listen(kept.number)
        await _listen(kept.number)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, kept.number))


async def test_nobody_answers_on_it_until_the_process_is_there() -> None:
    """It is no listener: who knocks too early is refused at once."""
    with KeptPort() as kept, pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, kept.number)


async def test_it_can_be_given_back() -> None:
    """After closing, anybody may have it."""
    kept = KeptPort()
    kept.close()
    with socket.socket() as other:
        other.bind((HOST, kept.number))
