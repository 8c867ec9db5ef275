"""The drawer of the embedded Pika: its jobs, and what becomes of the next ones."""

from __future__ import annotations

from typing import Final, get_args

from bot.sandbox.discord import ClientRefused
from bot.sandbox.pika import PikaFault, Script
from bot.sandbox.pika.faults import Kind
from bot.sandbox.web.tools import Backstage, Tool, Use, choice, counted, number, times, unless_held

_NEXT: Final = "The next jobs"
_API: Final = "The API"
_AFTER: Final = "Callbacks and files"
_KINDS: Final = frozenset(get_args(Kind))


# The next jobs


def _script(use: Use, script: Script, title: str) -> str:
    scripts = use.stage.pika.scripts
    scripts.append(script)
    asked = use.count("times")
    script.times = asked

    def left() -> int:
        return script.times if script in scripts and script.times is not None else 0

    def undo() -> None:
        if script in scripts:
            scripts.remove(script)

    use.stage.add(
        use.tool, title, undo, left=left, used=lambda: asked - left(), over=lambda: left() == 0
    )
    return f"{title}."


def _slow(use: Use) -> str:
    seconds = use.number("seconds")
    title = f"Pika takes {seconds:g} s for {counted(use.count('times'), 'job', 'jobs')}"
    return _script(use, Script(outcome="slow", seconds=seconds), title)


def _moderated(use: Use) -> str:
    at_once = use.text("when") == "submit"
    when = "at once" if at_once else "after rendering"
    title = f"Pika moderates {counted(use.count('times'), 'job', 'jobs')} {when}"
    return _script(use, Script(outcome="moderated", at_submit=at_once), title)


def _failed(use: Use) -> str:
    title = f"Pika fails {counted(use.count('times'), 'job', 'jobs')}"
    return _script(use, Script(outcome="failed"), title)


def _stuck(use: Use) -> str:
    title = f"Pika stops at 40 % in {counted(use.count('times'), 'job', 'jobs')}"
    return _script(use, Script(outcome="stuck"), title)


def _large(use: Use) -> str:
    size = use.number("megabytes")
    title = f"Pika makes {counted(use.count('times'), 'video', 'videos')} {size:g} MB large"
    return _script(use, Script(size_mb=size), title)


def _speed(use: Use) -> str:
    seconds = use.number("seconds")
    use.stage.pika.tempo.render = seconds
    return f"From now on a video takes {seconds:g} s."


# The API


def _fault(use: Use, fault: PikaFault, title: str) -> str:
    fault.times = asked = use.count("times")
    use.stage.pika.faults.add(fault)

    def undo() -> None:
        fault.times = 0

    use.stage.add(
        use.tool,
        title,
        undo,
        left=lambda: fault.times,
        used=lambda: asked - (fault.times or 0),
        over=lambda: fault.times == 0,
    )
    return f"{title}."


def _queue_full(use: Use) -> str:
    running = tuple(use.stage.pika.executing)
    title = f"Pika's queue is full for {counted(use.count('times'), 'submission', 'submissions')}"
    return _fault(use, PikaFault("submit", "queue_full", executing=running), title)


def _rate_limited(use: Use) -> str:
    seconds = use.number("seconds")
    next_ones = counted(use.count("times"), "submission", "submissions")
    title = f"Pika asks {next_ones} to wait for {seconds:g} s"
    return _fault(use, PikaFault("submit", "rate_limited", retry_after=seconds), title)


def _errors(use: Use) -> str:
    status, took = int(use.text("status")), use.text("took") == "yes"
    next_ones = counted(use.count("times"), "submission", "submissions")
    title = f"Pika answers {status} to {next_ones}" + (" but takes the job" if took else "")
    return _fault(use, PikaFault("submit", "status", status=status, took=took), title)


def _cut(use: Use) -> str:
    after = use.text("when") == "after"
    next_ones = counted(use.count("times"), "submission", "submissions")
    title = f"Pika {'takes' if after else 'does not take'} {next_ones} and hangs up"
    return _fault(use, PikaFault("submit", "drop_after" if after else "drop_before"), title)


async def _down(use: Use) -> str:
    pika = use.stage.pika
    await pika.unplug()

    async def undo() -> None:
        try:
            await pika.plug()
        except OSError as error:
            raise ClientRefused("somebody else has taken the API's port meanwhile") from error

    use.stage.add(use.tool, "Pika's API is down", undo, over=lambda: pika.up)
    return "Pika's API is down; jobs that run go on."


def _paused(use: Use) -> str:
    pika = use.stage.pika
    pika.pause()
    use.stage.add(use.tool, "Pika makes no progress", pika.resume)
    return "Pika makes no progress until you undo this."


def _account(use: Use) -> str:
    pika = use.stage.pika
    if use.text("how") == "unpaid":
        pika.subscription = False

        def pay() -> None:
            pika.subscription = True

        title = "Pika's account is not paid for (402)"
        use.stage.add(use.tool, title, pay)
    else:
        right, pika.token = pika.token, "user:1000-anotherToken"

        def restore() -> None:
            pika.token = right

        title = "Pika does not accept the token (401)"
        use.stage.add(use.tool, title, restore)
    return f"{title}."


# Callbacks and files

_CALLBACKS: Final = {"lost": "loses", "late": "delays", "twice": "repeats"}
_FILES: Final = {
    "expired": "has expired",
    "truncated": "breaks off in the middle",
    "junk": "is no video",
    "wrong_type": "leads to a web page",
}


def _kind(name: str) -> Kind:
    assert name in _KINDS
    return name  # type: ignore[return-value]  # asserted above; a Literal cannot be narrowed so


def _callback(use: Use) -> str:
    how = use.text("how")
    next_ones = counted(use.count("times"), "callback", "callbacks")
    title = f"Pika {_CALLBACKS[how]} {next_ones}"
    return _fault(use, PikaFault("callback", _kind(how), seconds=20.0), title)


def _file(use: Use) -> str:
    how = use.text("how")
    next_ones = counted(use.count("times"), "download", "downloads")
    title = f"Pika's link {_FILES[how]}, for {next_ones}"
    return _fault(use, PikaFault("cdn", _kind(how)), title)


TOOLS: Final = (
    Tool(
        "pika_slow",
        "pika",
        _NEXT,
        "Slow",
        "The next job takes its time.",
        _slow,
        (number("seconds", "seconds", 60, 1, 3600), times("jobs")),
    ),
    Tool(
        "pika_moderated",
        "pika",
        _NEXT,
        "Moderated",
        "Pika refuses what was asked for.",
        _moderated,
        (choice("when", "when", submit="at once", end="after rendering"), times("jobs")),
    ),
    Tool("pika_failed", "pika", _NEXT, "Failed", "Pika fails.", _failed, (times("jobs"),)),
    Tool(
        "pika_stuck",
        "pika",
        _NEXT,
        "Stuck",
        "The job stops at 40 % for good.",
        _stuck,
        (times("jobs"),),
    ),
    Tool(
        "pika_large",
        "pika",
        _NEXT,
        "Large",
        "The video is larger than the server takes.",
        _large,
        (number("megabytes", "MB", 30, 1, 90), times("jobs")),
    ),
    Tool(
        "pika_speed",
        "pika",
        _NEXT,
        "Speed",
        "How long a video takes from now on.",
        _speed,
        (number("seconds", "seconds", 8, 0.5, 600, 0.5),),
    ),
    Tool(
        "pika_queue_full",
        "pika",
        _API,
        "Queue full",
        "Pika has no free slot (429).",
        _queue_full,
        (times("submissions", 2),),
    ),
    Tool(
        "pika_rate_limited",
        "pika",
        _API,
        "Rate limited",
        "Pika asks to wait (429).",
        _rate_limited,
        (number("seconds", "seconds", 10, 1, 60), times("submissions")),
    ),
    Tool(
        "pika_errors",
        "pika",
        _API,
        "Errors",
        "Pika answers with an error, and may have taken the job all the same.",
        _errors,
        (
            choice(
                "status",
                "status",
                **{
                    "504": "504 Gateway Timeout",
                    "500": "500 Internal Server Error",
                    "503": "503 Service Unavailable",
                    "596": "596 account waits for moderation",
                },
            ),
            choice("took", "takes the job", no="no", yes="yes"),
            times("submissions"),
        ),
    ),
    Tool(
        "pika_cut",
        "pika",
        _API,
        "Connection cut",
        "Pika hangs up instead of answering: was the job taken?",
        _cut,
        (
            choice("when", "when", after="after taking the job", before="before"),
            times("submissions"),
        ),
    ),
    Tool(
        "pika_down",
        "pika",
        _API,
        "API down",
        "Nothing answers at Pika's address.",
        _down,
        danger=True,
        why_not=unless_held("pika_down", "it is down"),
    ),
    Tool(
        "pika_paused",
        "pika",
        _API,
        "No progress",
        "All jobs at Pika stand still.",
        _paused,
        why_not=unless_held("pika_paused", "they stand still"),
    ),
    Tool(
        "pika_account",
        "pika",
        _API,
        "Account trouble",
        "Pika accepts nothing from the bot's account.",
        _account,
        (choice("how", "how", unpaid="not paid for (402)", refused="wrong token (401)"),),
        danger=True,
        why_not=unless_held("pika_account", "the account is in trouble already"),
    ),
    Tool(
        "pika_callback",
        "pika",
        _AFTER,
        "Drop the callback",
        "What Pika calls back does not arrive as it should.",
        _callback,
        (
            choice("how", "how", lost="lost", late="20 s late", twice="twice"),
            times("callbacks"),
        ),
    ),
    Tool(
        "pika_file",
        "pika",
        _AFTER,
        "Bad download",
        "Pika's link to the video does not lead to it.",
        _file,
        (
            choice(
                "how",
                "how",
                expired="expired",
                truncated="breaks off",
                junk="is no video",
                wrong_type="is a web page",
            ),
            times("downloads"),
        ),
    ),
)


# What people do with a single job


def finish(stage: Backstage, raw: object) -> None:
    """Let a job finish now. Raises ``ClientRefused`` when it does not run."""
    try:
        stage.pika.finish(str(raw))
    except KeyError as error:
        raise ClientRefused("that job does not run") from error


def fail(stage: Backstage, raw: object) -> None:
    """Let a job fail now. Raises ``ClientRefused`` when it does not run."""
    try:
        stage.pika.fail(str(raw))
    except KeyError as error:
        raise ClientRefused("that job does not run") from error
