"""What a signal does, from the first line of ours to the last: in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = (signal.SIGTERM, signal.SIGINT)

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
pytestmark = needs_signals


def ended(script: str, *signals: signal.Signals) -> tuple[int, str]:
    """Run ``script``; each time it says ``now`` it gets the next signal. Its code and words."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said, left = "", list(signals)
        for line in process.stdout:
            said += line
            if line.strip() == "now":
                process.send_signal(left.pop(0))
        return process.wait(20), said


AT_ONCE = """
from bot import stopping
import time
stopping.at_once()
try:
    print("now")
    time.sleep(20)
except BaseException as error:
    print("an exception", error)
"""


@pytest.mark.parametrize("how", SIGNALS)
def test_before_anything_is_under_way_it_ends_at_once(how: signal.Signals) -> None:
    """With 0 and without an exception, which might be swallowed wherever it arrives."""
    assert ended(AT_ONCE, how) == (0, "now\n")


IMPORTS = """
import signal, sys
sys.argv = ["pika-bot", "{command}"]
class Watch:
    def find_spec(self, name, *_):
        if name == "typer":
            print("heard" if callable(signal.getsignal(signal.SIGTERM)) else "not heard")
            sys.exit()
sys.meta_path.insert(0, Watch())
from bot.__main__ import main
main()
"""


@pytest.mark.parametrize(("command", "heard"), [("run", "heard"), ("demo", "not heard")])
def test_signals_are_heard_before_anything_large_is_imported(command: str, heard: str) -> None:
    """What takes a moment comes after it; a demo that is broken off is no success."""
    assert ended(IMPORTS.replace("{command}", command)) == (0, f"{heard}\n")


GENTLY = """
import asyncio
from bot import stopping
async def main():
    with stopping.gently() as stop:
        print("now")
        await stop.wait()
        print("asked")
        print("now")
        await asyncio.sleep(0.2)
        print("done")
asyncio.run(main())
print("the end")
"""


@pytest.mark.parametrize("how", SIGNALS)
def test_while_the_bot_runs_it_is_asked_and_may_finish(how: signal.Signals) -> None:
    """A second signal does not break off what the first one has begun."""
    code, said = ended(GENTLY, how, how)
    assert (code, said) == (0, "now\nasked\nnow\ndone\nthe end\n")


def test_after_the_loop_a_signal_still_ends_it_with_0() -> None:
    """Between the end of the loop and that of the process lies some time, too."""
    script = GENTLY.replace('print("the end")', 'import time; print("now"); time.sleep(20)')
    assert ended(script, *[signal.SIGTERM] * 3)[0] == 0


HANGS = """
import asyncio, threading
from bot import stopping
stopping.LONGEST = 0.5
async def main():
    with stopping.gently() as stop:
        print("now")
        await stop.wait()
        await asyncio.to_thread(threading.Event().wait)  # as a disk that never answers
asyncio.run(main())
"""


def test_a_stop_that_hangs_is_ended() -> None:
    """With 0 all the same: what was promised is on the disk, the rest is as after a kill."""
    began = time.monotonic()
    code, said = ended(HANGS, signal.SIGTERM)
    assert code == 0
    assert "the stop took longer than 0.5 s" in said
    assert time.monotonic() - began < 10


def test_a_stop_is_over_before_anybody_kills_it() -> None:
    """SIGKILL may come after ten seconds."""
    from bot import stopping

    assert stopping.LONGEST < 10
