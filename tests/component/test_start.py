"""A data directory that cannot be used stops the start with one line that says what to do."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import AlreadyRunning, prepare
from bot.errors import ConfigError
from bot.settings import Settings
from tests.storage_faults import damage, locked, refusing

NOBODY = 65534


def settings(data: Path) -> Settings:
    """Of a bot with this data directory."""
    token = SecretStr("a-token-of-nobody")
    return Settings(discord_token=token, pika_api_token=token, data_dir=data)


@contextmanager
def without_power() -> Iterator[None]:
    """This thread may do with files what an ordinary user may, also where root runs the tests."""
    if os.geteuid():
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may do everything here")
    setfsuid = ctypes.CDLL(None, use_errno=True).setfsuid
    setfsuid(NOBODY)
    try:
        yield
    finally:
        setfsuid(0)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that was used before, where anybody may go."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    made = folder / "data"
    prepare(settings(made)).release()
    yield made
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def line(data: Path) -> str:
    """What the operator reads."""
    with pytest.raises(ConfigError) as met:
        prepare(settings(data))
    (problem,) = met.value.problems
    assert "\n" not in problem
    assert problem.startswith("DATA_DIR: ")
    return problem


def test_what_is_missing_is_made(tmp_path: Path) -> None:
    """However deep; a second start finds it as it is."""
    data = tmp_path / "srv" / "pika" / "data"
    for _ in range(2):
        prepare(settings(data)).release()
    names = sorted(
        path.name for path in data.iterdir() if path.suffix not in {".db-wal", ".db-shm"}
    )
    assert names == ["lock", "pictures", "pika.db", "videos"]


def test_the_directory_belongs_to_one(data: Path) -> None:
    """The second one hears who holds it; the first one's lock goes with it."""
    lock = prepare(settings(data))
    with pytest.raises(AlreadyRunning, match="another instance"):
        prepare(settings(data))
    lock.release()
    prepare(settings(data)).release()


@pytest.mark.parametrize("deeper", ["", "deeper"])
def test_a_file_where_the_directory_should_be(tmp_path: Path, deeper: str) -> None:
    """Or where one above it should be."""
    (tmp_path / "taken").write_text("mine")
    said = line(tmp_path / "taken" / deeper)
    assert "not a directory: move" in said
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a place where nobody can write")
def test_a_place_where_nothing_can_be_made() -> None:
    """Not even by root."""
    said = line(Path("/proc/pika-bot/data"))
    assert "/proc/pika-bot/data: cannot be used (No such file or directory)" in said


Spoil = Callable[[Path], None]
READ_ONLY: dict[str, Spoil] = {
    "the directory": lambda data: data.chmod(0o555),
    "a folder in it": lambda data: (data / "videos").chmod(0o555),
    "the database": lambda data: (data / "pika.db").chmod(0o444),
    "the lock": lambda data: (data / "lock").chmod(0o444),
}


@pytest.mark.parametrize("what", list(READ_ONLY))
def test_what_is_read_only_is_named(data: Path, what: str) -> None:
    """With the path and what to do about it."""
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    READ_ONLY[what](data)
    with without_power():
        said = line(data)
    assert str(data) in said
    assert "read-only: let the bot's user write" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_database_of_somebody_else(data: Path) -> None:
    """Which may not even be read."""
    for path in (data, *data.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.chown(data / "pika.db", 0, 0)
    (data / "pika.db").chmod(0o600)
    with without_power():
        said = line(data)
    assert f"{data}/pika.db: cannot be opened: let the bot's user read and write" in said


def test_a_database_that_another_program_holds(data: Path) -> None:
    """The start does not hang; it says whom to end."""
    with locked(data / "pika.db"):
        said = line(data)
    assert f"{data}/pika.db: locked by another program: end the program" in said


def test_a_damaged_database(data: Path) -> None:
    """Nothing is written to it, so that what is left can be rescued."""
    damage(data / "pika.db", "job")
    before = (data / "pika.db").read_bytes()
    said = line(data)
    assert f"{data}/pika.db: damaged: " in said
    assert "backup" in said
    assert (data / "pika.db").read_bytes() == before


def test_a_disk_that_takes_nothing(data: Path) -> None:
    """Found before anything relies on it."""
    with refusing(data, 100):
        said = line(data)
    assert f"{data}: cannot be used (File too large)" in said


def test_a_schema_that_cannot_be_brought_up_to_date(tmp_path: Path) -> None:
    """A table of somebody else has our name: said in one line."""
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "pika.db")) as db:
        db.execute("CREATE TABLE delivery (x)")
    assert "could not be brought up to date: " in line(data)


def test_a_start_without_a_way_to_discord_says_so_in_one_line(tmp_path: Path) -> None:
    """The network may come up after the bot does: nobody need read a traceback for that."""
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        told = {
            "DISCORD_TOKEN": "a-token-of-nobody",
            "PIKA_API_TOKEN": "a-token-of-nobody",
            "DISCORD_API_URL": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "DATA_DIR": str(tmp_path / "data"),
            "HTTP_PORT": "0",
        }
        ran = subprocess.run(
            [sys.executable, "-m", "bot", "run"],
            env=told, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert ran.returncode == 1
    assert "pika-bot: Discord cannot be reached now" in ran.stderr
    assert "Traceback" not in ran.stderr
