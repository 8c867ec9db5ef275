"""Both embedded servers, the bot and the page stay up until somebody stops them."""

from __future__ import annotations

import asyncio
import errno
import webbrowser

from rich.console import Console

from bot.demo.stage import Stage

RENDER_SECONDS = 8.0


async def live_demo(*, port: int = 0, open_browser: bool = False) -> bool:
    """Keep the stage up until cancelled, and say where the page is; False if it cannot be set up.

    ``port`` is the page's (0: any free one). The bot may die meanwhile: the page shows it, and
    can start it again.
    """
    console = Console(highlight=False)
    try:
        async with Stage(render_seconds=RENDER_SECONDS, page_port=port, callbacks=True) as stage:
            assert stage.page is not None  # as it was asked for
            console.print(f"Open  [bold]{stage.page.url}[/]  and type / in a channel.")
            console.print(f"The bot's log: {stage.bot.log_path}", style="dim", soft_wrap=True)
            console.print("Ctrl-C stops everything.", style="dim")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, stage.page.url)
            return await asyncio.Event().wait()
    except (RuntimeError, OSError) as error:
        console.print(_words(error, port), style="red", markup=False, soft_wrap=True)
        return False


def _words(error: Exception, port: int) -> str:
    if port and isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
        why = "somebody has it" if error.errno == errno.EADDRINUSE else "this needs more rights"
        return f"The page cannot have port {port}: {why}. Choose another with --port, or none."
    return str(error)
