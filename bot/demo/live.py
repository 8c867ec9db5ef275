"""Both embedded servers, the bot and the page stay up until somebody stops them."""

from __future__ import annotations

import asyncio
import signal
import webbrowser

from rich.console import Console

from bot.demo.stage import Stage

RENDER_SECONDS = 8.0


async def live_demo(*, port: int = 0, open_browser: bool = False) -> bool:
    """Keep the stage up and say where the page is; whether it could be set up.

    ``port`` is the page's (0: any free one). The bot may die meanwhile: the page shows it, and
    can start it again.
    """
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        async with Stage(render_seconds=RENDER_SECONDS, page_port=port, callbacks=True) as stage:
            assert stage.page is not None  # as it was asked for
            console.print(f"Open  [bold]{stage.page.url}[/]  and type / in a channel.")
            console.print(f"The bot's log: {stage.bot.log_path}", style="dim", soft_wrap=True)
            console.print("Ctrl-C stops everything.", style="dim")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, stage.page.url)
            await stop.wait()
    except (RuntimeError, OSError) as error:
        console.print(str(error), style="red", markup=False)
        return False
    return True
