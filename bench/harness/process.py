"""Processes under measurement: start pinned, read CPU and memory from /proc, stop."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STAT_CPU_FIELDS = slice(11, 13)
"""utime and stime, counted from the field after the process's name."""
STAT_PARENT_FIELD = 1


class ProcessGoneError(Exception):
    """A process ended while it was measured."""


@dataclass(frozen=True)
class CpuReading:
    """CPU time of a process tree so far.

    `thread_ns` is exact but forgets threads that have ended; `process_s` remembers them, in
    steps of 10 ms.
    """

    thread_ns: Mapping[tuple[int, int], int]
    process_s: Mapping[int, float]


@dataclass(frozen=True)
class CpuUse:
    """CPU seconds between two readings, and what the cross-check says of them."""

    seconds: float
    note: str | None = None


class ProcessTree:
    """A process that was started here, with whatever it started itself."""

    def __init__(
        self,
        command: Sequence[str],
        core: int,
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts `command` on one core; its output goes to `output.log` in `directory`.

        It ends with this process, however that ends.
        """
        self.log = directory / "output.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command],
                cwd=directory,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the first process still runs."""
        return self._process.poll() is None

    def processes(self) -> list[int]:
        """The tree's process ids."""
        children: dict[int, list[int]] = {}
        for entry in PROC.iterdir():
            if entry.name.isdigit() and (fields := _stat_fields(int(entry.name))):
                children.setdefault(int(fields[STAT_PARENT_FIELD]), []).append(int(entry.name))
        tree = [self._process.pid]
        for process in tree:
            tree.extend(children.get(process, []))
        return tree

    def cpu(self) -> CpuReading:
        """CPU time used so far."""
        thread_ns: dict[tuple[int, int], int] = {}
        process_s: dict[int, float] = {}
        for process in self.processes():
            if not (fields := _stat_fields(process)):
                continue
            ticks = sum(int(field) for field in fields[STAT_CPU_FIELDS])
            process_s[process] = ticks / CLOCK_TICKS_PER_S
            for thread in (PROC / str(process) / "task").iterdir():
                try:
                    run_ns = (thread / "schedstat").read_text().split()[0]
                except (FileNotFoundError, ProcessLookupError):
                    continue
                thread_ns[process, int(thread.name)] = int(run_ns)
        return CpuReading(thread_ns, process_s)

    def memory_bytes(self) -> int:
        """Proportional set size: private pages whole, shared pages by their share."""
        total = 0
        for process in self.processes():
            for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self) -> None:
        """Ends the tree: politely, then not."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            # The group is the session that was begun here; without members there is nothing to do.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, sent)
            deadline = time.monotonic() + 10
            while self.is_running and time.monotonic() < deadline:
                time.sleep(0.02)


def cpu_used(before: CpuReading, after: CpuReading) -> CpuUse:
    """CPU time between two readings of the same tree.

    Raises ProcessGoneError when a process of the first reading is missing in the second.
    """
    gone = before.process_s.keys() - after.process_s.keys()
    if gone:
        raise ProcessGoneError(f"{len(gone)} process(es) ended")
    exact = sum(after.thread_ns.values()) - sum(
        before.thread_ns[thread] for thread in before.thread_ns if thread in after.thread_ns
    )
    exact_s = exact / 1e9
    coarse_s = sum(after.process_s.values()) - sum(before.process_s.values())
    ended = len(before.thread_ns.keys() - after.thread_ns.keys())
    resolution_s = 0.02 * len(after.process_s)
    if ended and coarse_s > exact_s:
        return CpuUse(coarse_s, f"{ended} thread(s) ended: CPU from /proc/PID/stat")
    if abs(coarse_s - exact_s) > resolution_s + 0.02 * exact_s:
        # Threads that came and went between the readings are only in the coarse figure.
        return CpuUse(max(exact_s, coarse_s), f"CPU {exact_s:.3f} s or {coarse_s:.3f} s")
    return CpuUse(exact_s)


def _stat_fields(process: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty when the process is gone."""
    try:
        text = (PROC / str(process) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()
