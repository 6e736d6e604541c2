"""Under which circumstances a run was made."""

import os
import platform
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from harness import load, peers
from harness.settings import PROXY_CORE


def gather(command: str, passes: int, speed: float) -> dict[str, str]:
    """Machine, date, command; what a reader needs to judge the figures."""
    kernel = re.match(r"[\d.]+", platform.release())
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": f"`{command}`",
        "passes": str(passes) + ("" if speed == 1 else " with shortened windows"),
        "kernel": f"Linux {kernel[0] if kernel else platform.release()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
    }


def upstream_capacity() -> str:
    """How fast the upstream answers on a core of its own: it must not be what is measured."""
    with tempfile.TemporaryDirectory() as directory:
        body = load.chat_body(Path(directory), "bench", 450, stream=False)
        result = load.wrk(peers.direct(), body, 3, 64, core=PROXY_CORE)
    return f"{result.requests / result.duration_s:,.0f} requests/s on a core of its own"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
