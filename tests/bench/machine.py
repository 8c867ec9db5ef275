"""Where and when something was measured: without that, a figure says nothing."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path


def machine(folder: Path | None = None) -> str:
    """Two lines: the date and the machine; how quiet it is, and how fast ``folder``'s disk."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(": ")[2] for line in lines if "model name" in line), cpu)
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {cpu}, "
        f"{platform.system()}, Python {platform.python_version()}\n"
        f"load average {load}; one write to the disk takes {_sync_ms(folder):.2f} ms (median)"
    )


def _sync_ms(folder: Path | None) -> float:
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(50):
            file.write(bytes(4096))
            began = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
