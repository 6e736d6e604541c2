"""What the engine logs, handed to Python's `logging` by the threads of callers.

There is no `NullHandler` here: where the application set up no logging, Python shows warnings on
stderr, and an endpoint that was left out of the configuration is nothing to be silent about.
"""

from __future__ import annotations

import logging


def deliver(records: list[tuple[str, int, str]]) -> None:
    """Each is a logger's name, `llm_proxy` or one below it, a level of `logging`, and the
    message."""
    for name, level, message in records:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(level):
            logger.log(level, "%s", message)


def level() -> int:
    """What the application wants to hear at least."""
    return logging.getLogger("llm_proxy").getEffectiveLevel()
