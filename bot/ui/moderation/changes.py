"""A change in plain words: what was, and what is now. For answers and for the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bot.model import Quota
from bot.rules.policy import Pause, PauseMode
from bot.rules.words import Then
from bot.ui.cards import code
from bot.ui.moderation import values
from bot.ui.moderation.held import refusal
from bot.ui.moderation.values import State, Words, credits_, hours
from bot.workflow.moderation import Access, AuditEntry

Moment = Callable[[int], str]

NOTHING_CHANGED: Final = "That is so already: nothing was changed."

_ACCESS: Final = frozenset(Access)
_LONGEST: Final = 1_800
"""Characters of an entry: a message holds it, with something beside it."""

_REASON_SHOWN: Final = 200
_PHRASES_SHOWN: Final = 5


def told(entry: AuditEntry, default: Quota) -> str:
    """An entry of the audit log: what was changed, when, and by whom."""
    who = f"<@{entry.act.actor_id}>" if entry.act.actor_id else "the bot"
    line = f"{change(entry, default)}\n-# <t:{entry.act.at // 1000}:f> by {who}"
    return line if len(line) <= _LONGEST else f"A change too long to show\n-# by {who}"


def change(entry: AuditEntry, default: Quota) -> str:
    """Whose, before and after, as Discord shows it. ``default`` is what holds where nothing is
    set.
    """
    before, after = sides(entry, default)
    whose = subject(entry)
    return f"{whose}: {before} → {after}" if before else f"{whose}: {after}"


def sides(entry: AuditEntry, default: Quota, moment: Moment | None = None) -> tuple[str, str]:
    """What was, and what is now. The first is empty where it goes without saying."""
    say = moment or shown_moment
    match entry.action:
        case "limit":
            return _limit(entry, entry.before, default), _limit(entry, entry.after, default)
        case "grant":
            return _granted(entry.before, say), _granted(entry.after, say)
        case "block" | "unblock":
            return _block(entry.before, say), _block(entry.after, say)
        case "pause" | "resume":
            return _pause(entry.before, say), _pause(entry.after, say)
        case action if action in _WORDS:
            return _words(entry)
        case "review":
            return "waits for review", _verdict(entry.after)
        case "reviews_shown":
            return "", _shown(entry.after)
        case "cancel" | "remove" | "dismiss":
            return _plain(entry.before), _done_to_job(entry)
        case "weights":
            return values.prices(entry.before or {}), values.prices(entry.after or {})
        case "choices" | "gate":
            before, after = _chosen(entry)
            return _said(before), _said(after)
        case action if action in _ACCESS:
            ids = [(state or {}).get("ids", ()) for state in (entry.before, entry.after)]
            return values.lists(Access(action), *ids)
        case _:
            return _plain(entry.before), _plain(entry.after)


_WORDS: Final = frozenset({"words_add", "words_remove", "words_import"})


def _words(entry: AuditEntry) -> tuple[str, str]:
    match entry.action:
        case "words_add":
            was = _what_then(entry.before) if entry.before else ""
            return was, _what_then(entry.after)
        case "words_remove":
            return "", f"{_what_then(entry.before)} no more"
        case _:
            changes = (
                _phrases("added", entry.after, "phrases"),
                _phrases("added to look at", entry.after, "review"),
                _phrases("taken off", entry.before, "phrases"),
                _phrases("looked at no more", entry.before, "review"),
            )
            return "", "; ".join(filter(None, changes)) or "put in another order"


def subject(entry: AuditEntry) -> str:
    """Whom or what a change is about."""
    if topic := _topic(entry):
        return topic
    match entry.subject:
        case "everyone":
            return "Every member"
        case "member":
            return f"<@{entry.subject_id}>"
        case "role" if entry.subject_id == entry.act.guild_id:
            return "The role of everyone"
        case "role":
            return f"<@&{entry.subject_id}>"
        case "channel":
            return f"<#{entry.subject_id}>"
        case "server" if entry.action == "limit":
            return "This server's budget"
        case "server":
            return "This server"
        case "words":
            return "Blocked words"
        case "job":
            return f"Job {entry.subject_id}"
        case other:
            return other


def shown_moment(at: int) -> str:
    """A moment as Discord shows it to each in their own time."""
    return f"<t:{-(-at // 1000)}:f>"


def written_moment(at: int) -> str:
    """A moment in a file."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _topic(entry: AuditEntry) -> str | None:
    """What a change of a server's settings is about, if it is about one of them."""
    match entry.action:
        case "weights":
            return "Prices"
        case "choices" | "gate" if len(changed := _chosen(entry)[1]) == 1:
            return changed[0][0]
        case action if action in _ACCESS:
            return values.ABOUT_ACCESS[Access(action)]
        case _:
            return None


def _chosen(entry: AuditEntry) -> tuple[list[Words], list[Words]]:
    """What of a server's choices differs, before and after, each with its name."""
    before, after = entry.before or {}, entry.after or {}
    if entry.action == "gate":
        return values.gated(before, after)
    return values.chosen(before), values.chosen(after)


def _said(words: list[Words]) -> str:
    """One value alone, as the subject names it; several with their names."""
    return words[0][1] if len(words) == 1 else values.together(words)


def _limit(entry: AuditEntry, state: State | None, default: Quota) -> str:
    if state is None:
        nothing = {"everyone": f"the bot's own limit ({values.quota(default)})", "server": "none"}
        return nothing.get(entry.subject, "no limit of its own")
    if entry.subject == "everyone":
        return values.quota(
            Quota(
                state.get("credits", default.credits),
                state.get("window_ms", default.window_ms),
                state.get("concurrent", default.concurrent),
            )
        )
    parts = []
    if "credits" in state:
        window = state.get("window_ms")
        span = "the time that holds for every member" if window is None else hours(window)
        parts.append(f"{credits_(state['credits'])} in {span}")
    if "concurrent" in state:
        parts.append(f"{state['concurrent']} unfinished at once")
    return ", ".join(parts)


def _granted(state: State | None, say: Moment) -> str:
    if state is None:
        return "nothing extra"
    return f"{credits_(state['credits'])} extra, until {say(state['until'])} at the latest"


def _block(state: State | None, say: Moment) -> str:
    return "may ask for videos" if state is None else f"blocked{_terms(state, say)}"


def _pause(state: State | None, say: Moment) -> str:
    if state is None:
        return "takes new videos"
    return paused(Pause(PauseMode(state["mode"]), state.get("reason"), state.get("until")), say)


def paused(pause: Pause, say: Moment | None = None) -> str:
    """What a pause comes to, until when, and why."""
    rest = "are made" if pause.mode is PauseMode.DRAIN else "wait"
    terms = _terms({"until": pause.until, "reason": pause.reason}, say or shown_moment)
    return f"takes no new videos, those waiting {rest}{terms}"


def _verdict(state: State | None) -> str:
    said = state or {}
    reason = said.get("reason")
    why = f", reason: {code(str(reason), _REASON_SHOWN)}" if reason else ""
    return f"{said.get('verdict')}{why}"


def _shown(trouble: State | None) -> str:
    if trouble is None:
        return "reviews are shown here again"
    why = refusal(int(trouble["refused"]))
    return (
        f"⚠️ reviews cannot be shown here, as {why}. The videos wait; open the channel to me, or "
        "choose another review channel with `/moderate settings`"
    )


def _terms(state: State, say: Moment) -> str:
    end = state.get("until")
    until = ", until somebody ends it" if end is None else f" until {say(end)}"
    return until + _reason(state)


def _reason(state: State) -> str:
    reason = state.get("reason")
    return f", reason: {code(reason, _REASON_SHOWN)}" if reason else ""


def _done_to_job(entry: AuditEntry) -> str:
    if entry.action == "remove":
        return f"video removed{_reason(entry.after or {})}"
    return "dismissed" if entry.action == "dismiss" else "cancelled by a moderator"


def _what_then(state: State | None) -> str:
    """What becomes of a request with a phrase."""
    said = state or {}
    then = "lets the video be looked at" if said.get("then") == Then.REVIEW else "is blocked"
    return f"{code(str(said.get('phrase', '')), 100)} {then}"


def _phrases(how: str, state: State | None, kind: str) -> str:
    phrases = [str(phrase) for phrase in (state or {}).get(kind, ())]
    if not phrases:
        return ""
    named = ", ".join(code(phrase, 30) for phrase in phrases[:_PHRASES_SHOWN])
    more = len(phrases) - _PHRASES_SHOWN
    return f"{how} {named}" + (f" and {more:,} more" if more > 0 else "")


def _plain(state: State | None) -> str:
    if not state:
        return "nothing"
    return code(", ".join(f"{name} {value}" for name, value in state.items()), _REASON_SHOWN)
