"""The command line, its exit codes, and several processes beside each other."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from bot.demo import headless_demo
from bot.demo.process import environment
from bot.demo.stage import Stage
from bot.media import check_video
from bot.sandbox.discord import Permission
from bot.sandbox.pika import PikaFault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import SECRET_DISCORD_TOKEN, Ended, Scene, Town, clip, number, pika_bot, png
from tests.ports import free_port

LEAST = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
    | Permission.READ_MESSAGE_HISTORY
)
OTHER_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbCdE.0123456789abcdefghijklmnopqrstuvwxyzAB"


def lines(ended: Ended) -> list[str]:
    """What it said on standard error."""
    assert "Traceback" not in ended.err, ended.err
    return ended.err.strip().splitlines()


async def test_one_data_directory_has_one_bot(scene: Scene, tmp_path: Path) -> None:
    """A second instance ends with 75 and says why; the first one does not notice."""
    second = await pika_bot("run", folder=tmp_path, **scene.town.settings(LOG_LEVEL="WARNING"))
    assert second.code == 75
    (line,) = lines(second)
    assert "another instance holds the data directory" in line
    await scene.delivered(await scene.card())


async def test_missing_settings_are_all_named(tmp_path: Path) -> None:
    """78, and a line for each variable that must be set."""
    ended = await pika_bot("run", folder=tmp_path)
    assert ended.code == 78
    assert lines(ended) == [
        "pika-bot: DISCORD_TOKEN: is not set",
        "pika-bot: PIKA_API_TOKEN: is not set",
    ]
    assert files(tmp_path) == []


def files(folder: Path) -> list[str]:
    """What lies there."""
    return [path.name for path in folder.iterdir()]


BAD = {
    "DISCORD_API_URL": "zzz-api",
    "DISCORD_GUILD_IDS": "12,zzz-guild",
    "PIKA_BACKEND": "zzz-backend",
    "PIKA_API_URL": "zzz-pika",
    "PIKA_MAX_JOBS": "zzz-0",
    "PIKA_POLL_SECONDS": "-77701",
    "PIKA_BUSY_SECONDS": "zzz-soon",
    "PIKA_TIMEOUT_MINUTES": "77702.5",
    "PUBLIC_URL": "zzz-public",
    "HTTP_PORT": "77703",
    "DEFAULT_QUOTA": "zzz-many",
    "DEFAULT_QUOTA_HOURS": "-77704",
    "DEFAULT_CONCURRENT": "zzz-few",
    "SHARD_IDS": "zzz-shard",
    "LOG_LEVEL": "zzz-loud",
    "LOG_FORMAT": "zzz-xml",
}


async def test_bad_settings_are_all_named_and_never_shown(tmp_path: Path) -> None:
    """78, one line for each variable, all at once, and no value in any of them."""
    tokens = {"DISCORD_TOKEN": "zzz-secret-1", "PIKA_API_TOKEN": "zzz-secret-2"}
    ended = await pika_bot("run", folder=tmp_path, **tokens, **BAD)
    assert ended.code == 78
    said = lines(ended)
    assert sorted(line.split(":")[1].strip() for line in said) == sorted(BAD)
    for shown in ("zzz", "777"):
        assert shown not in ended.err + ended.out


async def test_tokens_and_addresses_that_cannot_be_sent_are_named(tmp_path: Path) -> None:
    """A line break at the end of a token, a password in an address: what an operator pastes in a
    hurry ended the start with a traceback, or went into every line about that address.
    """
    wrong = {
        "DISCORD_TOKEN": "zzz“quoted”",
        "PIKA_API_TOKEN": "zzz-token\n",
        "DISCORD_API_URL": "https://me:zzz-password@discord.example/api",
        "PIKA_API_URL": "https://pika.example/v1?key=zzz-key",
        "PUBLIC_URL": "https://[::1/zzz",
    }
    ended = await pika_bot("run", folder=tmp_path, **wrong)
    assert ended.code == 78
    assert sorted(line.split(":")[1].strip() for line in lines(ended)) == sorted(wrong)
    assert "zzz" not in ended.err + ended.out


async def test_settings_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    """Each of these is right by itself; all that do not fit are named at once."""
    fitting = {
        "DISCORD_TOKEN": OTHER_TOKEN,
        "PIKA_API_TOKEN": "user:1-x",
        "DATA_DIR": str(tmp_path / "data"),
    }
    wrong = {
        "PUBLIC_URL": "https://bot.example",
        "HTTP_PORT": "0",
        "PIKA_DISCORD_TOKEN": SECRET_DISCORD_TOKEN,
        "SHARD_IDS": "0,2",
        "SHARD_COUNT": "2",
    }
    ended = await pika_bot("run", folder=tmp_path, **fitting, **wrong)
    assert ended.code == 78
    named = [line.split(": ")[1] for line in lines(ended)]
    assert named == ["PUBLIC_URL", "PIKA_DISCORD_TOKEN", "SHARD_IDS"]
    assert SECRET_DISCORD_TOKEN not in ended.err


async def test_a_wrong_token_is_a_setting_to_change(scene: Scene, tmp_path: Path) -> None:
    """Discord does not know the token: 78, one line that names the variable."""
    own = {"DATA_DIR": str(tmp_path / "data"), "LOG_LEVEL": "WARNING"}
    settings = scene.town.settings(DISCORD_TOKEN=OTHER_TOKEN, **own)
    commands = (pika_bot(command, folder=tmp_path, **settings) for command in ("run", "invite"))
    for ended in await asyncio.gather(*commands):
        assert ended.code == 78
        line = lines(ended)[-1]
        assert line == "pika-bot: DISCORD_TOKEN: Discord does not accept this token"
        assert OTHER_TOKEN not in ended.err + ended.out


MISUSES = ("frobnicate", "run --fast", "demo --output", "demo --headless --output no/where.mp4")


async def test_bad_usage_is_2(tmp_path: Path) -> None:
    """What cannot be meant is told before anything starts."""
    misused = (pika_bot(*misuse.split(), folder=tmp_path) for misuse in MISUSES)
    for misuse, ended in zip(MISUSES, await asyncio.gather(*misused), strict=True):
        assert ended.code == 2, misuse
        assert lines(ended), misuse


async def test_a_data_directory_that_cannot_be_used_is_a_setting_to_change(
    scene: Scene, tmp_path: Path
) -> None:
    """A file where the directory should be: 78, and the variable's name."""
    (tmp_path / "taken").write_text("mine")
    settings = scene.town.settings(DATA_DIR=str(tmp_path / "taken"), LOG_LEVEL="WARNING")
    ended = await pika_bot("run", folder=tmp_path, **settings)
    assert ended.code == 78
    (line,) = lines(ended)
    assert line.startswith("pika-bot: DATA_DIR: ")


async def test_a_newer_database_is_not_touched(scene: Scene, tmp_path: Path) -> None:
    """A schema from the future: 78, what to do, and not a byte is changed."""
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "pika.db")) as db:
        db.execute("CREATE TABLE tomorrow (what TEXT)")
        db.execute("PRAGMA user_version = 9999")
        db.commit()
    settings = scene.town.settings(DATA_DIR=str(data), LOG_LEVEL="WARNING")
    ended = await pika_bot("run", folder=tmp_path, **settings)
    assert ended.code == 78
    (line,) = lines(ended)
    assert line.startswith("pika-bot: DATA_DIR: ")
    assert "9999" in line
    assert "newer version" in line
    with closing(sqlite3.connect(data / "pika.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
    assert tables == ["tomorrow"]


async def test_invite_asks_for_the_least(scene: Scene, tmp_path: Path) -> None:
    """The link names our application, the six permissions that posting takes, and two scopes.
    It is all that is printed; a ``.env`` in the directory is read.
    """
    token, url = scene.discord.token, scene.discord.api_url
    (tmp_path / ".env").write_text(f"DISCORD_TOKEN={token}\nDISCORD_API_URL={url}\n")
    ended = await pika_bot("invite", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    (link,) = ended.out.splitlines()
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "discord.com", "/oauth2/authorize")
    assert query["client_id"] == [str(scene.discord.application_id)]
    assert int(query["permissions"][0]) == LEAST == 274878024704
    assert query["scope"] == ["bot applications.commands"]
    assert token not in ended.out


async def test_run_without_discord_fails(tmp_path: Path) -> None:
    """Nobody listens there: 1, in one line."""
    ended = await pika_bot("run", folder=tmp_path, **_somewhere("http://127.0.0.1:9/api"))
    assert ended.code == 1
    assert "Discord cannot be reached now" in lines(ended)[-1]


@pytest.mark.parametrize("style", ["text", "json"])
async def test_what_ends_the_bot_is_told_by_its_log(tmp_path: Path, style: str) -> None:
    """Something between us and Discord answers with what it was sent. Python's own last words
    quoted it, token and all; as a record, they pass the filter like all others.
    """

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        sent = next(line for line in head.splitlines() if line.startswith("Authorization"))
        body = json.dumps({"id": sent, "username": "x", "discriminator": "0", "avatar": None})
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{kind}{body}".encode())
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
        settings = _somewhere(url) | {"LOG_FORMAT": style}
        ended = await pika_bot("run", folder=tmp_path, **settings)

    assert ended.code == 1
    assert "Authorization: Bot ***" in ended.err
    assert OTHER_TOKEN not in ended.err + ended.out
    if style == "json":
        assert "stopped by an error" in [json.loads(x)["message"] for x in ended.err.splitlines()]


def _somewhere(url: str) -> dict[str, str]:
    """The settings of a bot whose Discord is there."""
    return {
        "DISCORD_TOKEN": OTHER_TOKEN,
        "DISCORD_API_URL": url,
        "PIKA_API_TOKEN": "user:1-x",
        "HTTP_PORT": "0",
    }


async def test_invite_without_discord_fails(tmp_path: Path) -> None:
    """Nobody listens there: 1, in one line."""
    ended = await pika_bot(
        "invite",
        folder=tmp_path,
        DISCORD_TOKEN=OTHER_TOKEN,
        DISCORD_API_URL="http://127.0.0.1:9/api/v10",
    )
    assert ended.code == 1
    (line,) = lines(ended)
    assert "Discord cannot be reached now" in line


async def test_a_log_for_machines_names_jobs_and_no_prompts(open_scene: OpenScene) -> None:
    """LOG_FORMAT=json: every line is an object; a job's lines carry its number; what members
    wrote is in none of them.
    """
    scene = await open_scene(LOG_FORMAT="json", LOG_LEVEL="INFO")
    scene.pika.words = ("secretive",)
    done = await scene.card(prompt="a furtive fox")
    refused = await scene.card(prompt="a secretive fox")
    await scene.delivered(done)
    await scene.notice(refused)
    said = [json.loads(line) for line in scene.log.splitlines()]
    for card, words in ((done, "result posted"), (refused, "failed: moderated")):
        lines = [one["message"] for one in said if one.get("job") == number(card)]
        assert any(words in line for line in lines)
    assert "furtive" not in scene.log
    assert "secretive" not in scene.log


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
async def test_nobody_else_on_the_machine_may_read_what_members_write(scene: Scene) -> None:
    """Prompts, pictures and videos: the data directory and all in it are the bot's user's alone,
    also where the usual files of that user are not.
    """
    card = await scene.card("animate", image=png())
    await scene.state(card, "rendering")
    data = scene.town.data
    found = {path: path.stat().st_mode & 0o077 for path in (data, *data.rglob("*"))}

    assert {"lock", "pika.db", "pika.db-wal", "videos"} < {path.name for path in found}
    assert [path for path in found if path.suffix == ".png"]
    assert {path: mode for path, mode in found.items() if mode} == {}
    await scene.delivered(card)


async def test_pikas_call_is_heard_before_the_next_look(open_scene: OpenScene) -> None:
    """With PUBLIC_URL, Pika calls back, and the video comes although nobody polls for minutes."""
    port = free_port()
    scene = await open_scene(
        PUBLIC_URL=f"http://127.0.0.1:{port}", HTTP_PORT=port, PIKA_POLL_SECONDS=300
    )
    await scene.delivered(await scene.card())
    (call,) = scene.pika.callbacks
    assert call.status is not None
    assert call.status < 300
    assert str(scene.accepted[0].reply_ref) in call.url


async def test_commands_are_registered_once(open_scene: OpenScene) -> None:
    """The second start finds that Discord knows them already."""
    scene = await open_scene()
    assert scene.discord.commands.registrations == 1
    assert await scene.town.stop() == 0
    await scene.town.restart()
    await scene.delivered(await scene.card())
    puts = [seen.route for seen in scene.discord.requests if seen.method == "PUT"]
    assert puts == ["/applications/{application_id}/commands"]
    assert "</create:" in await scene.says("help")


async def test_commands_may_be_registered_for_one_server(open_scene: OpenScene) -> None:
    """DISCORD_GUILD_IDS: there and nowhere else."""
    scene = await open_scene(run=False)
    other = scene.discord.world.create_guild("Elsewhere")
    await scene.start(DISCORD_GUILD_IDS=str(scene.guild.id))
    await scene.delivered(await scene.card())
    assert scene.discord.commands.visible(other) == []


@pytest_asyncio.fixture(loop_scope="session", scope="module", autouse=True)
async def sharded(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[tuple[Scene, asyncio.Task[None]]]:
    """A town with two shards. discord.py takes five seconds for the second one, so it starts
    beside the other tests of this module.
    """
    town = Town(tmp_path_factory.mktemp("sharded"), openapi, shards=2)
    await town.open()
    scene = Scene(town)
    for n in range(8):
        town.discord.world.create_guild(f"Club {n}").join(scene.alice.user)
    starting = asyncio.create_task(scene.start())
    yield scene, starting
    try:
        await starting
        await scene.check(stop=True)
    finally:
        await town.close()


async def test_several_shards_are_one_bot(sharded: tuple[Scene, asyncio.Task[None]]) -> None:
    """Discord recommends two shards: servers of both are served."""
    scene, starting = sharded
    await starting
    assert scene.discord.gateway.identifies == 2
    mine = (scene.guild.id >> 22) % 2
    guilds = scene.discord.world.guilds.values()
    other = next(guild for guild in guilds if (guild.id >> 22) % 2 != mine)
    there = other.create_text_channel("videos")
    first = await scene.card()
    second = await scene.card(who=scene.alice.user, where=there)
    await scene.delivered(first)
    await scene.result(second)


# -- the demo ------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session", scope="module", autouse=True)
async def demos(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, tuple[asyncio.Task[Ended], Path]]]:
    """Two demos, which run beside the other tests of this module: one as it is, one on a
    machine without ffmpeg, where Pika makes no video.
    """
    begun = {}
    for name, more in (("whole", {}), ("lame", {"IMAGEIO_FFMPEG_EXE": "/no/ffmpeg"})):
        folder = tmp_path_factory.mktemp(name)
        arguments = ("demo", "--headless", "--output", str(folder / "fox.mp4"))
        run = asyncio.create_task(pika_bot(*arguments, folder=folder, **more))
        begun[name] = (run, folder)
    yield begun
    for run, _ in begun.values():
        run.cancel()
    await asyncio.gather(*(run for run, _ in begun.values()), return_exceptions=True)


Demos = dict[str, tuple[asyncio.Task[Ended], Path]]


async def test_the_demo_delivers(demos: Demos) -> None:
    """Nothing configured: 0, a transcript, and a video that plays and is what Pika made."""
    run, folder = demos["whole"]
    ended = await run
    assert ended.code == 0, ended.out
    assert ended.err == ""
    for words in ("/create", "/encrypt_text", "in the queue", "byte for byte what Pika made"):
        assert words in ended.out
    assert "@alice `a fox" in ended.out  # what people see, not Discord's codes
    assert "<@" not in ended.out
    assert "IS NOT" not in ended.out
    seen = await check_video(folder / "fox.mp4")
    assert seen.seconds > 1
    assert files(folder) == ["fox.mp4"]


async def test_the_demo_fails_when_nothing_is_delivered(demos: Demos) -> None:
    """Pika cannot make a single video: 1, soon, and no file."""
    run, folder = demos["lame"]
    ended = await run
    assert ended.code == 1
    assert "not delivered" in ended.out
    assert files(folder) == []


async def stopped(how: signal.Signals, folder: Path) -> list[psutil.Process]:
    """A demo that gets this signal as soon as somebody asked for a video; its bots by then."""
    folder.mkdir()
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--headless", "--output", "fox.mp4"),
        cwd=folder,
        env=environment({"TMPDIR": str(folder)}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert demo.stdout is not None
    async for line in demo.stdout:
        if b"alice" in line:
            break
    bots: list[psutil.Process] = psutil.Process(demo.pid).children(recursive=True)
    demo.send_signal(how)
    await demo.communicate()
    assert demo.returncode == 1
    assert files(folder) == []
    return bots


async def test_a_demo_that_is_stopped_takes_its_bot_with_it(tmp_path: Path) -> None:
    """Ended by hand, before anything was delivered: not 0, and no process stays behind."""
    both = (stopped(how, tmp_path / how.name) for how in (signal.SIGINT, signal.SIGTERM))
    for bots in await asyncio.gather(*both):
        assert bots
        assert [process for process in bots if process.is_running()] == []


async def test_the_demo_compares_bytes(tmp_path: Path) -> None:
    """It succeeds only if what was delivered is what Pika made: a good video of another making
    does not pass.
    """
    stage = Stage(render_seconds=0.1)
    stage.pika.faults.add(PikaFault("cdn", "wrong_type", content_type="video/mp4", body=clip()))
    assert not await headless_demo(tmp_path / "fox.mp4", stage)


async def test_two_starts_at_once_are_one_bot(open_scene: OpenScene, tmp_path: Path) -> None:
    """Started twice in the same moment: one serves, the other ends with 75."""
    scene = await open_scene(run=False)
    scene.town.data.mkdir(parents=True)
    both = [
        asyncio.create_task(pika_bot("run", folder=tmp_path, **scene.town.settings()))
        for _ in range(2)
    ]
    done, running = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    assert [task.result().code for task in done] == [75]
    await scene.discord.connected(20)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
