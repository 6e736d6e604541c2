"""The configuration of an engine in this process: a file, or what would stand in one."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Configuration:
    """A path or a document, as the engine takes them; neither means `CONFIG`'s file, if there is
    one."""

    __slots__ = ("document", "path")

    def __init__(self, config: str | os.PathLike[str] | Mapping[str, object] | None) -> None:
        self.path: str | None = None
        self.document: bytes | None = None
        if isinstance(config, (str, os.PathLike)):
            self.path = os.fsdecode(config)
        elif config is None:
            return
        elif hasattr(config, "keys"):
            self.document = _document(config)
        else:
            raise TypeError(f"config must be a path, a dict or None, not {type(config).__name__}")


def _document(config: Mapping[str, object]) -> bytes:
    import json

    try:
        return json.dumps(dict(config), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise type(error)(f"config cannot be written as JSON: {error}") from None
