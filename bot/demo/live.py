"""Both embedded servers and the bot stay up until somebody stops them."""

from __future__ import annotations

import asyncio
import signal

from rich.console import Console

from bot.demo.stage import Stage

RENDER_SECONDS = 8.0


async def live_demo() -> bool:
    """Keep the stage up and say where; whether it ended because somebody wished so."""
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        async with Stage(render_seconds=RENDER_SECONDS) as stage:
            console.print(f"Discord   {stage.discord.api_url}")
            console.print(f"Pika      {stage.pika.api_url}")
            console.print(f"The bot   process {stage.bot.process.pid}, log {stage.bot.log_path}")
            console.print("Ctrl-C stops all three.")
            stopped = asyncio.ensure_future(stop.wait())
            died = asyncio.ensure_future(stage.bot.process.wait())
            await asyncio.wait({stopped, died}, return_when=asyncio.FIRST_COMPLETED)
            if died.done() and not stop.is_set():
                console.print(f"The bot stopped with code {died.result()}:\n{stage.bot.log()}")
                return False
            died.cancel()
            stopped.cancel()
    except RuntimeError as error:
        console.print(str(error), style="red", markup=False)
        return False
    return True
