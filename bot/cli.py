"""The command line: ``pika-bot run``, ``demo``, ``invite``.

Exit codes: 0 fine; 1 a check or the demo failed; 2 bad usage; 75 another instance holds
the data directory; 78 bad configuration.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bot import stopping
from bot.errors import ConfigError, StorageTrouble

log = logging.getLogger(__name__)

FAILED, BUSY, BAD_CONFIG = 1, 75, 78

_ENDS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    _ENDS.append(signal.SIGHUP)  # the terminal was closed

cli = typer.Typer(
    name="pika-bot",
    help="A Discord bot with which communities make videos with Pika.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.command()
def run() -> None:
    """Run the bot, configured from the environment and .env."""
    stopping.at_once()
    with _importing():
        import discord  # noqa: PLC0415 - the other commands start without these

        from bot import logs, settings  # noqa: PLC0415
        from bot.app import AlreadyRunning, prepare, unusable  # noqa: PLC0415
        from bot.app import run as run_app  # noqa: PLC0415

    try:
        config = settings.load()
    except ConfigError as error:
        _leave(BAD_CONFIG, *error.problems)
    logs.set_up(config.log_level, config.log_format, config.secrets)
    os.umask(0o077)  # what members write and send is for nobody else on this machine
    try:
        with ThreadPoolExecutor(1) as elsewhere:  # here, signals are heard meanwhile
            lock = elsewhere.submit(prepare, config).result()
    except AlreadyRunning as error:
        _leave(BUSY, str(error))
    except ConfigError as error:
        _leave(BAD_CONFIG, *error.problems)
    with lock, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(run_app(config))
        except ConfigError as error:
            _leave(BAD_CONFIG, *error.problems)
        except StorageTrouble as error:
            _leave(BAD_CONFIG, *unusable(config, error).problems)
        except discord.LoginFailure:
            _leave(BAD_CONFIG, "DISCORD_TOKEN: Discord does not accept this token")
        except (discord.HTTPException, discord.GatewayNotFound, ConnectionError) as error:
            _leave(FAILED, f"Discord cannot be reached now ({type(error).__name__})")
        except Exception as error:
            # Python's own last words would pass no filter, and may quote anything.
            log.critical("stopped by an error", exc_info=error)
            raise typer.Exit(FAILED) from None


@cli.command()
def invite() -> None:
    """Print the link that invites the bot with the least permissions that suffice."""
    with _importing():
        from bot import settings  # noqa: PLC0415
        from bot.invite import LinkError, link  # noqa: PLC0415

    try:
        config = settings.load_discord()
    except ConfigError as error:
        _leave(BAD_CONFIG, *error.problems)
    try:
        typer.echo(asyncio.run(link(config)))
    except LinkError as error:
        _leave(BAD_CONFIG if error.bad_token else FAILED, str(error))


@cli.command()
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Play a member by script, then stop.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", help="Where the delivered video is saved (headless).")
    ] = Path("pika-demo.mp4"),
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The page's port (0: any free one).")
    ] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """See the main job happen, with nothing to configure."""
    with _importing():
        from bot.demo import headless_demo, live_demo  # noqa: PLC0415

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # people write what no old terminal can show
    if headless and (trouble := _unusable(output)):
        raise typer.BadParameter(trouble, param_hint="--output")
    work = headless_demo(output) if headless else live_demo(port=port, open_browser=open_page)
    try:
        delivered = asyncio.run(_until_stopped(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        delivered = not headless
    if not delivered:
        raise typer.Exit(FAILED)


@contextmanager
def _importing() -> Iterator[None]:
    """Modules are no garbage: looking for some while they come takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def _until_stopped(work: Coroutine[Any, Any, bool]) -> bool:
    """``work``, cancelled by the first signal that asks for an end; further ones change nothing.

    Whatever ends the demo, its bot must not outlive it, nor may its files.
    """
    running = asyncio.ensure_future(work)

    def stop() -> None:
        if not running.cancelling():
            running.cancel()

    with suppress(NotImplementedError):  # Windows
        for number in _ENDS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                asyncio.get_running_loop().add_signal_handler(number, stop)
    return await running


def _unusable(output: Path) -> str | None:
    """Why nothing can be saved there; None when it seems that it can."""
    if not output.parent.is_dir():
        return f"there is no folder {output.parent}"
    if output.is_dir():
        return f"{output} is a folder"
    place = output if output.exists() else output.parent
    return None if os.access(place, os.W_OK) else f"{place} cannot be written to"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None  # Windows has none; asyncio's own loop will do
    return uvloop.new_event_loop


def _leave(code: int, *lines: str) -> NoReturn:
    for line in lines:
        typer.echo(f"pika-bot: {line}", err=True)
    raise typer.Exit(code)
