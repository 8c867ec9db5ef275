"""The grammar of component ids: ``job:<number>:<verb>``."""

from __future__ import annotations

import re

PATTERN = r"job:(?P<id>[1-9][0-9]{{0,17}}):{verb}"


def build(job_id: int, verb: str) -> str:
    """The id of a component that does ``verb`` to a job."""
    return f"job:{job_id}:{verb}"


def template(verb: str) -> re.Pattern[str]:
    """Matches the ids of components that do ``verb``; group ``id`` is the job's number."""
    return re.compile(PATTERN.format(verb=re.escape(verb)))


def one_of(*verbs: str) -> re.Pattern[str]:
    """Matches the ids of components that do one of these; group ``what`` is which."""
    choice = "|".join(map(re.escape, verbs))
    return re.compile(PATTERN.format(verb=f"(?P<what>{choice})"))
