"""``pika-bot demo`` in a terminal: what it says when something is not as it should be, and that it
leaves nothing behind however it is ended.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from bot.demo.process import environment

START_SECONDS = 60.0
PLAIN_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


async def started(folder: Path, *options: str, **more: str) -> asyncio.subprocess.Process:
    """A demo with these options; its files go below ``folder``."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", *options),
        cwd=folder,
        env=environment({"TMPDIR": str(folder), **more}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def next_line(process: asyncio.subprocess.Process) -> str:
    """What it says next."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode()


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Its exit code, and all that it said meanwhile."""
    said, _ = await asyncio.wait_for(process.communicate(), START_SECONDS)
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.mark.parametrize("mode", ["page", "headless"])
async def test_a_terminal_that_is_closed_leaves_nothing(tmp_path: Path, mode: str) -> None:
    """SIGHUP, and an impatient Ctrl-C with it: no process goes on and no file stays."""
    process = await started(tmp_path, *([] if mode == "page" else ["--headless"]))
    for _ in range(1 if mode == "page" else 2):  # then the bot runs
        await next_line(process)
    bots = psutil.Process(process.pid).children(recursive=True)
    assert bots
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    code, said = await ended(process)
    assert "Traceback" not in said
    assert code == (0 if mode == "page" else 1)
    assert [bot for bot in bots if bot.is_running()] == []
    assert list(tmp_path.iterdir()) == []


async def test_a_port_that_somebody_has_is_told_in_words(tmp_path: Path) -> None:
    """What is wrong and what helps, without an error number; nothing stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await ended(await started(tmp_path, "--port", str(port)))
    assert code == 1
    assert f"The page cannot have port {port}: somebody has it." in said
    assert "--port" in said
    assert "Errno" not in said
    assert list(tmp_path.iterdir()) == []


async def test_a_video_that_cannot_be_saved_is_told_at_once(tmp_path: Path) -> None:
    """Bad usage, before anything is made."""
    code, said = await ended(await started(tmp_path, "--headless", "--output", "."))
    assert code == 2
    assert "is a folder" in said


async def test_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    """What it cannot show is replaced; nothing breaks."""
    process = await started(tmp_path, "--headless", **PLAIN_ASCII)
    line = await next_line(process)
    assert line.rstrip().endswith("and the bot ?")
    process.send_signal(signal.SIGTERM)
    code, said = await ended(process)
    assert code == 1
    assert "Traceback" not in said
