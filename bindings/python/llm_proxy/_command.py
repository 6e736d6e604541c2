"""The console command `llm-proxy`: the service's own program."""

from __future__ import annotations


def main() -> None:
    """Runs `llm-proxy` with this process's arguments, and exits as it does."""
    import signal
    import sys

    from ._llm_proxy import run_command

    # Python's handler would wait for the interpreter, which has nothing to do until the service
    # ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(sys.argv[1:]))
