"""The only reader of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ConfigError

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Ids = Annotated[tuple[int, ...], NoDecode]
Names = Annotated[tuple[str, ...], NoDecode]
Kind = TypeVar("Kind", bound=BaseSettings)


class DiscordSettings(BaseSettings):
    """What is needed to talk to Discord at all."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    discord_token: SecretStr = Field(min_length=1)
    discord_api_url: str = "https://discord.com/api/v10"

    @field_validator("discord_api_url", "pika_api_url", "public_url", check_fields=False)
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _is_plain(value):
            raise ValueError("must be an address like https://host/path, and nothing else in it")
        return value.rstrip("/")

    @field_validator("discord_token", "pika_api_token", "pika_discord_token", check_fields=False)
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if not all("!" <= letter <= "~" for letter in value.get_secret_value()):
            raise ValueError("has what no token has, such as a space or a line break")
        return value


class Settings(DiscordSettings):
    """All settings; each is the environment variable of the same name in capitals."""

    discord_guild_ids: Ids = ()

    pika_backend: str = "useapi"
    pika_api_url: str = "https://api.useapi.net/v1/pika"
    pika_api_token: SecretStr = Field(min_length=1)
    pika_channel: str = ""
    pika_discord_token: SecretStr = SecretStr("")
    pika_max_jobs: int = Field(10, ge=1, le=1000)
    pika_poll_seconds: Seconds = 15
    pika_busy_seconds: Seconds = 15
    pika_doubt_seconds: Seconds = 120
    pika_timeout_minutes: float = Field(60, gt=0, le=1440)

    public_url: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(8080, ge=0, le=65535)

    data_dir: Path = Field(Path("data"), validate_default=True)
    media_hosts: Names = ()

    default_quota: int = Field(5, ge=0, le=100_000)
    default_quota_hours: float = Field(24, gt=0, le=8784)
    default_concurrent: int = Field(2, ge=1, le=1000)
    operator_ceiling: int | None = Field(None, ge=0, le=1_000_000_000)
    operator_ceiling_hours: float = Field(24, gt=0, le=8784)
    retention_days: float = Field(30, gt=0, le=36_500)

    shard_ids: Ids = ()
    shard_count: int = Field(0, ge=0)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()  # stored paths must not depend on where we start

    @field_validator("pika_backend")
    @classmethod
    def _backend(cls, value: str) -> str:
        if value != "useapi":
            raise ValueError("this version speaks to useapi only")
        return value

    @field_validator("discord_guild_ids", "shard_ids", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError("must be numbers separated by commas")
        return tuple(map(int, parts))

    @field_validator("media_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("must begin with https://, as callbacks carry an unguessable path")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        problems = []
        if self.public_url and not self.http_port:
            problems.append("PUBLIC_URL: needs the listener, so HTTP_PORT must not be 0")
        if self.pika_discord_token.get_secret_value() and not self.pika_channel:
            problems.append("PIKA_DISCORD_TOKEN: needs PIKA_CHANNEL, the channel that it opens")
        if bool(self.shard_ids) != bool(self.shard_count):
            problems.append("SHARD_IDS: SHARD_IDS and SHARD_COUNT are set together or not at all")
        elif any(shard >= self.shard_count for shard in self.shard_ids):
            problems.append("SHARD_IDS: every shard must be below SHARD_COUNT")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def secrets(self) -> list[str]:
        """What must never be seen anywhere."""
        held = (self.discord_token, self.pika_api_token, self.pika_discord_token)
        return [secret.get_secret_value() for secret in held if secret.get_secret_value()]

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "pika.db"


def _is_plain(address: str) -> bool:
    """Whether it is a web address without a name, a password or a query: whoever logs it, or sends
    it on, must not give anything away.
    """
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    extra = parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in {"https", "http"} and named and not extra


def load() -> Settings:
    """All settings, from the environment and ``.env``.

    Raises ``ConfigError`` with every problem at once, one per variable; no value is echoed.
    """
    return _load(Settings)


def load_discord() -> DiscordSettings:
    """The settings that suffice to ask Discord something. Raises ``ConfigError``."""
    return _load(DiscordSettings)


def _load(kind: type[Kind]) -> Kind:
    try:
        return kind()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        lines = [line for one in problems for line in _problem(one["loc"], one["msg"]).split("\n")]
        raise ConfigError(lines) from None


def _problem(where: tuple[int | str, ...], what: str) -> str:
    what = what.removeprefix("Value error, ")
    if not where:
        return what
    name = str(where[0]).upper()
    return f"{name}: is not set" if what == "Field required" else f"{name}: {what}"
