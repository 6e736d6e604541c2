"""What happens to requests while they are answered, as `on_event` and `events()` tell it.

Each is an `Event`, and a `llm_proxy.types.Record` of the notice's JSON: `event.delay` is in
seconds, `event["wait_ms"]` as it came.
"""

from llm_proxy._llm_proxy import (
    ContinuedEvent,
    Event,
    FailoverEvent,
    OutageEvent,
    RecoveredEvent,
    RetryEvent,
)

__all__ = [
    "ContinuedEvent",
    "Event",
    "FailoverEvent",
    "OutageEvent",
    "RecoveredEvent",
    "RetryEvent",
]
