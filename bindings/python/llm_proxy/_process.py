"""What has to be arranged once a process, before the engine may start in it."""

from __future__ import annotations

import atexit
import os
import sys

from . import _llm_proxy

_WARNING = 30  # logging.WARNING, which is logging's own default

_arranged = False


def prepare() -> None:
    """Called when a client is made: at import nothing is changed and nothing runs."""
    global _arranged
    if not _arranged:
        _arranged = True
        # The engine's thread stands still meanwhile, and is the parent's alone afterwards.
        os.register_at_fork(
            before=_llm_proxy.before_fork,
            after_in_parent=_llm_proxy.after_fork_in_parent,
            after_in_child=_llm_proxy.after_fork_in_child,
        )
        atexit.register(_llm_proxy.shutdown)
    _llm_proxy.set_log_level(_level())


def _level() -> int:
    """What the application wants to hear; `logging` is not imported for one that does not."""
    logging = sys.modules.get("logging")
    if logging is None:
        return _WARNING
    level: int = logging.getLogger("llm_proxy").getEffectiveLevel()
    # The engine's levels are bytes; whoever wants to hear nothing may have said so with a large
    # number.
    return max(0, min(level, 255))
