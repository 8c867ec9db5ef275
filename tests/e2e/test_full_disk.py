"""A disk that is really full: ENOSPC, from a small one of the test's own.

It is mounted where nobody else sees it, in a mount namespace; in there runs everything that looks
at the data directory. Root may make one, and whoever may make a user namespace.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

INSIDE = Path(__file__).with_name("inside_full_disk.py")


async def _ran(*command: str, seconds: float) -> tuple[int, str]:
    """How it ended, and what it said."""
    run = await asyncio.create_subprocess_exec(
        *command, cwd=INSIDE.parents[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    talk = asyncio.ensure_future(run.communicate())
    done, _ = await asyncio.wait({talk}, timeout=seconds)
    if not done:
        run.send_signal(signal.SIGINT)  # pytest takes its bot with it
        await asyncio.wait({talk}, timeout=20)
        if run.returncode is None:
            run.kill()
    out, _ = await talk
    return run.returncode or 0, out.decode(errors="replace")


async def _namespace() -> Sequence[str]:
    """The command that runs another one with mounts of its own."""
    ways = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
    said = ""
    for way in ways if sys.platform == "linux" and shutil.which("unshare") else ():
        mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(INSIDE.parent))
        code, words = await _ran(*way, *mount, seconds=10)
        if code == 0:
            return way
        said += words
    if os.getenv("CI"):
        pytest.fail(f"no disk can be mounted here, and CI must see a full one: {said}")
    pytest.skip(f"no disk can be mounted here: {said}")


@pytest.mark.timeout(300)
async def test_a_disk_that_is_really_full() -> None:
    """See ``test_everything_goes_on_after_a_full_disk`` in ``inside_full_disk``."""
    pytest_alone = (sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider")
    code, told = await _ran(*await _namespace(), *pytest_alone, str(INSIDE), seconds=240)
    assert code == 0, told
    assert "1 passed" in told
