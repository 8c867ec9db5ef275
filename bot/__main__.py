"""``python -m bot`` is ``pika-bot``."""

import sys

from bot import stopping


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["run"]:
        stopping.at_once()  # what is imported from here on takes a while
    from bot.cli import cli  # noqa: PLC0415 - this is what takes it

    cli()


if __name__ == "__main__":
    main()
