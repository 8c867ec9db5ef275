"""A recipe as the fields of a request, and the documented limits checked before it is sent.

Fields and limits: useapi.net docs, api-pika-v1/post-pika-create, post-pika-animate,
post-pika-encrypt_text, post-pika-encrypt_image.
"""

from __future__ import annotations

from typing import Final

from bot.errors import BadRecipe
from bot.model import MESSAGE_LIMIT, PROMPT_LIMIT, Font, Picture, Recipe, Verb
from bot.pika.form import Upload

REPLY_LIMIT: Final = 1024
"""Characters of ``replyUrl`` and of ``replyRef``."""


def fields(recipe: Recipe) -> dict[str, str]:
    """The text fields of a recipe. Raises BadRecipe with the option that cannot be sent."""
    found: dict[str, str] = {}
    prompt = recipe.prompt.strip()
    if prompt:
        if len(prompt) > PROMPT_LIMIT:
            raise BadRecipe(
                "prompt",
                f"The prompt with its options has {len(prompt)} characters; Pika takes at most "
                f"{PROMPT_LIMIT}.",
            )
        found["prompt"] = prompt
    elif recipe.verb is not Verb.ANIMATE:
        raise BadRecipe("prompt", "Say what the video should show: the prompt is empty.")
    if recipe.verb is Verb.ENCRYPT_TEXT:
        found["message"] = _message(recipe.message)
        if recipe.font is not None:
            found["font"] = _font(recipe.font)
    return found


def _message(text: str | None) -> str:
    message = (text or "").strip()
    if not message:
        raise BadRecipe("message", "Say which text to hide: the message is empty.")
    if len(message) > MESSAGE_LIMIT:
        raise BadRecipe(
            "message",
            f"The message has {len(message)} characters; Pika hides at most {MESSAGE_LIMIT}.",
        )
    return message


def _font(font: str) -> str:
    try:
        return Font(font).value
    except ValueError:
        known = ", ".join(Font)
        raise BadRecipe("font", f"Pika knows these fonts: {known}.") from None


def uploads(recipe: Recipe) -> dict[str, Upload]:
    """The files of a recipe. Raises BadRecipe when one is needed and missing.

    ``/encrypt_image`` sends its picture under the name ``message``.
    """
    found: dict[str, Upload] = {}
    if recipe.verb is Verb.ENCRYPT_IMAGE:
        found["message"] = _upload("message", recipe.message_image)
    if recipe.image is not None or recipe.verb is Verb.ANIMATE:
        found["image"] = _upload("image", recipe.image)
    return found


def _upload(field: str, picture: Picture | None) -> Upload:
    if picture is None:
        raise BadRecipe(field, "A picture is needed.")
    if picture.path is None:
        raise gone(field)
    return Upload(picture.filename, picture.content_type, picture.path)


def gone(field: str) -> BadRecipe:
    """The picture was there once; its bytes are not."""
    return BadRecipe(field, "The picture is no longer stored; please attach it again.")


def reply_fields(reply_ref: str, reply_url: str | None) -> dict[str, str]:
    """How Pika names and answers the job. Raises BadRecipe when one is too long.

    The texts name no value: a callback address is a secret.
    """
    found = {"replyRef": reply_ref}
    if reply_url:
        found["replyUrl"] = reply_url
    for name, value in found.items():
        if len(value) > REPLY_LIMIT:
            raise BadRecipe(name, f"{name} is longer than {REPLY_LIMIT} characters.")
    return found
