"""What has to be arranged once a process, before the engine may start in it."""

from __future__ import annotations

import atexit
import os

from . import _llm_proxy

_arranged = False


def prepare() -> None:
    """Called when a client is made: at import nothing is changed and nothing runs."""
    global _arranged
    # Not at import, where it would take longer than everything else; and not when there is
    # something to log: a thread may fork while another one imports, and its child would wait for
    # that for ever.
    from . import _logs

    if not _arranged:
        _arranged = True
        # The engine's thread stands still meanwhile, and is the parent's alone afterwards.
        os.register_at_fork(
            before=_llm_proxy.before_fork,
            after_in_parent=_llm_proxy.after_fork_in_parent,
            after_in_child=_llm_proxy.after_fork_in_child,
        )
        atexit.register(_llm_proxy.shutdown)
    _llm_proxy.set_log_level(_logs.level())
