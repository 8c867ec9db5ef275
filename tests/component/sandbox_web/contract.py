"""Documents compared with the TypedDicts of the contract."""

from __future__ import annotations

import types
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from bot.sandbox.web import documents, documents_backstage

KINDS = {
    "town": documents.Town,
    "bot": documents_backstage.Bot,
    "me": documents.Me,
    "person": documents.Person,
    "user": documents.User,
    "guild": documents.Guild,
    "member": documents.Member,
    "standing": documents.Standing,
    "channel": documents.Channel,
    "message": documents.Message,
    "command": documents.Command,
    "invocation": documents.Invocation,
    "modal": documents.Modal,
    "pika": documents_backstage.Pika,
    "job": documents_backstage.Job,
    "tool": documents_backstage.Tool,
    "fault": documents_backstage.Fault,
}


def check(key: str, document: Any) -> None:
    """Fail where a document is not what the contract says; Discord's own may hold more."""
    problem = _problem(document, KINDS[key.split(":", maxsplit=1)[0]], key)
    assert problem is None, problem


def _problem(value: Any, kind: Any, at: str) -> str | None:
    origin = get_origin(kind)
    if kind is Any:
        return None
    if is_typeddict(kind):
        return _in_dict(value, kind, at)
    if origin is Literal:
        return None if value in get_args(kind) else f"{at}: {value!r} is not one of {kind}"
    if origin in (Union, types.UnionType):
        problems = [_problem(value, one, at) for one in get_args(kind)]
        return None if None in problems else problems[0]
    if origin is list:
        if not isinstance(value, list):
            return f"{at}: {value!r} is no list"
        found = (_problem(one, get_args(kind)[0], f"{at}[]") for one in value)
        return next((problem for problem in found if problem), None)
    if origin is dict:
        return None if isinstance(value, dict) else f"{at}: {value!r} is no object"
    if kind is float:
        kind = (int, float)
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return None if right else f"{at}: {value!r} is no {kind}"


def _in_dict(value: Any, kind: Any, at: str) -> str | None:
    if not isinstance(value, dict):
        return f"{at}: {value!r} is no object"
    hints = get_type_hints(kind, include_extras=True)
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        if name not in value:
            if not optional:
                return f"{at}: {name} is missing"
            continue
        inner = get_args(hint)[0] if optional else hint
        problem = _problem(value[name], inner, f"{at}.{name}")
        if problem:
            return problem
    return None
