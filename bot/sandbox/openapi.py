"""The OpenAPI oracle: Discord's own description of its API, asked about every exchange.

The file is Discord's (github.com/discord/discord-api-spec); it is not part of this project.
Two things are relaxed for requests, because Discord takes them and clients send them: ids may be
numbers, and a few keys are known that the file leaves out. One thing is stricter: keys the file
does not know are refused, which finds typing errors.
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    import jsonschema_rs

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
#: Keys Discord documents or ignores, and its file does not have: schema → keys.
_KNOWN_EXTRAS: Final[dict[str, tuple[str, ...]]] = {
    "ApplicationCommandCreateRequest": ("nsfw",),
    "ApplicationCommandUpdateRequest": ("nsfw",),
    "ApplicationCommandPatchRequestPartial": ("nsfw",),
    "CreateForumThreadRequest": ("type",),
    "MessageEditRequestPartial": ("tts",),
    "BaseCreateMessageCreateRequest": ("tts", "nonce", "enforce_nonce"),
    "IncomingWebhookUpdateRequestPartial": ("tts",),
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": ("tts",),
    "RichEmbed": ("flags",),
}
_MAX_PROBLEMS: Final = 3
_MAX_TEXT: Final = 300
_SUCCESS: Final = range(200, 300)


class Oracle:
    """Compiles a schema when it is first needed, which may take 30 ms; later checks take
    microseconds. It knows the file only, so all servers of a process may ask the same one.
    """

    def __init__(self, path: Path) -> None:
        document: Json = orjson.loads(path.read_bytes())
        self._paths: Json = document["paths"]
        self._answers: Json = document["components"]["schemas"]
        self._requests = _for_requests(self._answers)
        self._cache: dict[tuple[str, ...], jsonschema_rs.Validator | None] = {}

    def knows(self, method: str, template: str) -> bool:
        """Whether Discord has this operation."""
        return method.lower() in self._paths.get(template, {})

    def check_request(self, method: str, template: str, body: Any) -> list[str]:
        """What is wrong with a request's JSON body (or the ``payload_json`` of its form)."""
        if not self.knows(method, template):
            return [f"Discord has no {method} {template}"]
        key = ("request", method, template)
        if key not in self._cache:
            operation = self._paths[template][method.lower()]
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", content.get("multipart/form-data", {}))
            self._cache[key] = self._compile(schema.get("schema"), self._requests)
        validator = self._cache[key]
        if validator is None:
            return [f"this operation takes no body, not {body!r}"] if body else []
        if body is None and method not in _WRITES:
            return []
        return self._problems(validator, body)

    def check_answer(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; errors are not described closely enough to check."""
        if status not in _SUCCESS or not self.knows(method, template):
            return []
        key = ("answer", method, template, str(status))
        if key not in self._cache:
            answers = self._paths[template][method.lower()]["responses"]
            if str(status) not in answers:
                return [f"status {status} is none of {sorted(answers)}"]
            content = answers[str(status)].get("content", {}).get("application/json", {})
            self._cache[key] = self._compile(content.get("schema"), self._answers)
        validator = self._cache[key]
        if validator is None:
            return [] if body is None else [f"there should be no body, not {body!r}"]
        return self._problems(validator, body)

    def _problems(self, validator: jsonschema_rs.Validator, body: Any) -> list[str]:
        if validator.is_valid(body):
            return []
        found = [_explain(error) for error in validator.iter_errors(body)]
        return found[:_MAX_PROBLEMS]

    def _compile(self, schema: Json | None, schemas: Json) -> jsonschema_rs.Validator | None:
        if schema is None:
            return None
        import jsonschema_rs  # noqa: PLC0415 -- a development tool, needed only with the oracle

        # Each validator carries only the schemas it reaches: all of them would be 5 MiB a piece.
        reached: Json = {}
        _reach(schema, schemas, reached)
        whole = {**schema, "components": {"schemas": reached}}
        return jsonschema_rs.Draft202012Validator(whole)


@functools.cache
def oracle(path: Path) -> Oracle:
    """The process's one oracle of this file."""
    return Oracle(path)


def _reach(node: Any, schemas: Json, reached: Json) -> None:
    if isinstance(node, list):
        for item in node:
            _reach(item, schemas, reached)
    elif isinstance(node, dict):
        ref = node.get("$ref")
        if isinstance(ref, str) and ref.startswith(_REF):
            name = ref.removeprefix(_REF)
            if name not in reached:
                reached[name] = schemas[name]
                _reach(schemas[name], schemas, reached)
        for value in node.values():
            _reach(value, schemas, reached)


def _for_requests(schemas: Json) -> Json:
    relaxed: Json = copy.deepcopy(schemas)
    relaxed["SnowflakeType"]["type"] = ["string", "integer"]
    for name, extras in _KNOWN_EXTRAS.items():
        for extra in extras:
            relaxed[name]["properties"].setdefault(extra, {})
    for name in _KNOWN_EXTRAS:
        if name.startswith("ApplicationCommand"):
            bits = relaxed[name]["properties"]["default_member_permissions"]
            bits["type"] = ["string", "integer", "null"]
    for schema in relaxed.values():
        composed = any(word in schema for word in ("allOf", "oneOf", "anyOf"))
        if schema.get("type") == "object" and "properties" in schema and not composed:
            schema.setdefault("additionalProperties", False)
    return relaxed


def _explain(error: jsonschema_rs.ValidationError) -> str:
    """The cause of an error; of alternatives, the one that came closest."""
    while context := getattr(error.kind, "context", None):
        error = max((branch[0] for branch in context if branch), key=_closeness)
    where = "/".join(str(step) for step in error.instance_path) or "the body"
    return f"{where}: {error.message}"[:_MAX_TEXT]


def _closeness(error: jsonschema_rs.ValidationError) -> tuple[bool, int]:
    wrong_kind = bool(error.instance_path) and error.instance_path[-1] == "type"
    return not wrong_kind, len(error.instance_path)
