"""One contender, one row, in a process of its own: `subject.py CONTENDER ROW OPTIONS`.

OPTIONS is JSON. What was measured comes as lines of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import call
import forked
import interrupt
import leave
import streams
from contract import Target
from tell import tell

Row = Callable[[str, Target, dict[str, Any]], dict[str, Any] | None]

_ROWS: dict[str, Row] = {
    "call-sync": lambda who, target, options: call.sync(who, target, **options),
    "call-async": lambda who, target, options: call.asynchronous(who, target, **options),
    "streams": lambda who, target, options: streams.measure(who, target, **options),
    "interrupt-head": lambda who, target, options: interrupt.head(who, target, **options),
    "interrupt-stream": lambda who, target, options: interrupt.stream(who, target, **options),
    "leave-sync": lambda who, target, options: leave.sync(who, target, **options),
    "leave-async": lambda who, target, options: leave.asynchronous(who, target, **options),
    "fork": lambda who, target, options: {"outcome": forked.measure(who, target, **options)},
}


def main() -> None:
    """Measures, and says what."""
    contender, row, given = sys.argv[1:]
    options = json.loads(given)
    target = Target(**options.pop("target"))
    try:
        measured = _ROWS[row](contender, target, options)
    except Exception as error:
        tell(error=f"{type(error).__name__}: {error}"[:300])
    else:
        tell(done=measured)


if __name__ == "__main__":
    main()
