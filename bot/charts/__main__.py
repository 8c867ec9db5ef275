"""The process that draws: numbers as JSON on stdin, a PNG on stdout."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bot.charts import Bar

_PAGE: Final = "#313338"
"""Behind a message in Discord's dark theme; a picture of another colour dazzles there, and in
the light theme it is a card."""
_TEXT: Final = "#dbdee1"
_FAINT: Final = "#4e5058"
_CREDITS: Final = "#7983f5"
_FAILED: Final = "#f0b232"
_LABELS: Final = 10
"""Dates that fit below without touching each other."""


def draw(days: Sequence[Bar]) -> bytes:
    """Credits as bars, a day each, the last of them today; and jobs that failed as marks."""
    rcParams.update({"font.size": 11, "text.color": _TEXT})
    figure = Figure(figsize=(8, 3.6), dpi=120, facecolor=_PAGE, layout="constrained")
    axes = figure.subplots(subplot_kw={"facecolor": _PAGE})
    places = range(len(days))
    axes.bar(
        places, [day.credits for day in days], color=_CREDITS, width=0.72, label="credits used"
    )
    failed = [(place, day.failed) for place, day in zip(places, days, strict=True) if day.failed]
    if failed:
        axes.plot(
            *zip(*failed, strict=True), "D", color=_FAILED, markersize=6,
            markeredgecolor=_PAGE, label="jobs that failed", clip_on=False,
        )  # fmt: skip
    axes.set_xticks(*_dates(days))
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_ylim(bottom=0, top=max([1, *(max(day.credits, day.failed) for day in days)]) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
    axes.tick_params(colors=_TEXT, length=0)
    axes.grid(axis="y", color=_FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title("Credits used each day (UTC)", loc="left", color=_TEXT, fontsize=13, pad=30)
    axes.legend(
        reverse=bool(failed), loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False,
        labelcolor=_TEXT, handlelength=1.1, borderaxespad=0.2, columnspacing=1.4,
    )  # fmt: skip
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor=_PAGE)
    return out.getvalue()


def _dates(days: Sequence[Bar]) -> tuple[list[int], list[str]]:
    """Where dates stand, counted from today backwards, and the dates."""
    step = -(-len(days) // _LABELS)
    places = sorted(range(len(days) - 1, -1, -step))
    moments = [datetime.fromtimestamp(days[place].began_at / 1000, UTC) for place in places]
    return places, [*(f"{moment.day} {moment:%b}" for moment in moments[:-1]), "today"]


if __name__ == "__main__":
    sys.stdout.buffer.write(draw([Bar(**day) for day in json.load(sys.stdin)]))
