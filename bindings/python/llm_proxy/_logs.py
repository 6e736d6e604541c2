"""What the engine logs, handed to Python's `logging` by the threads of callers."""

from __future__ import annotations

import logging

# A library does not print: without the application's handlers nothing is shown.
logging.getLogger("llm_proxy").addHandler(logging.NullHandler())


def deliver(records: list[tuple[str, int, str]]) -> None:
    """Each is a logger's name, `llm_proxy` or one below it, a level of `logging`, and the
    message."""
    for name, level, message in records:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(level):
            logger.log(level, "%s", message)
