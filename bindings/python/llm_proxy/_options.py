"""What callers may pass, and what is said where they pass something else.

An error names the argument. A value of the wrong type is a `TypeError`, as everywhere in Python; a
value that cannot be used is a `ConfigurationError`, which is a `ValueError` too.
"""

from __future__ import annotations

from ._exceptions import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from .events import Event


class NotGiven:
    """The type of `NOT_GIVEN`, which stands for an argument that was left out: `None` may mean
    something."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __reduce__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven()

# What may stand in a header's name, beside letters and digits: RFC 9110, section 5.6.2.
_NAME_MARKS = str.maketrans("", "", "!#$%&'*+-.^_`|~")


def timeout(value: object) -> float | None:
    """Seconds, more than none; `None` is no limit."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout must be a number of seconds or None, not {_kind(value)}")
    # The second comparison is what not-a-number fails.
    if not 0 < value < float("inf"):
        raise ConfigurationError(
            f"timeout must be more than 0 seconds, and finite: {value!r}; None is no limit"
        )
    return float(value)


def max_retries(value: object) -> int:
    """How often a call may be made again."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_retries must be an int, not {_kind(value)}")
    if value < 0:
        raise ConfigurationError(f"max_retries must be 0 or more: {value!r}")
    return value


def headers(argument: str, given: Mapping[str, str] | None) -> dict[str, str] | None:
    """With their names in small letters, so that a later one replaces an earlier one."""
    if not given:
        return None
    _check_mapping(argument, given)
    return {
        _header_name(argument, name): _header_value(argument, name, given[name]) for name in given
    }


def _header_name(argument: str, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{argument}: a header's name must be a str, not {_kind(name)}: {name!r}")
    bare = name.translate(_NAME_MARKS)
    if not name or not name.isascii() or (bare and not bare.isalnum()):
        raise ConfigurationError(f"{argument}: {name!r} cannot be a header's name")
    return name.lower()


def _header_value(argument: str, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{argument}[{name!r}] must be a str, not {_kind(value)}")
    # A value may be a secret: it is not shown.
    if not (value.isascii() and value.replace("\t", " ").isprintable()):
        raise ConfigurationError(f"{argument}[{name!r}] has characters that no header can hold")
    return value


def on_event(value: Callable[[Event], object] | None) -> Callable[[Event], object] | None:
    """Anything that can be called with an event."""
    if value is not None and not callable(value):
        raise TypeError(f"on_event must be callable with an event, or None, not {_kind(value)}")
    return value


def array(argument: str, value: Iterable[object]) -> list[object] | tuple[object, ...]:
    """Any iterable, as JSON's array; but not text or a mapping, whose parts nobody means."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, (str, bytes)) or hasattr(value, "keys"):
        raise TypeError(f"{argument} must be a list, not {_kind(value)}")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{argument} must be a list, not {_kind(value)}") from None


def extra_body(value: Mapping[str, object] | None) -> Mapping[str, object] | None:
    """Members of the request's body that have no argument of their own."""
    if value:
        _check_mapping("extra_body", value)
    return value


def settings(given: Mapping[str, object] | None) -> dict[str, str]:
    """The service's settings, by their names without `LLM_PROXY__`."""
    if not given:
        return {}
    _check_mapping("settings", given)
    return {_setting_name(name): _setting_value(name, given[name]) for name in given}


def _setting_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"settings: a name must be a str, not {_kind(name)}: {name!r}")
    if name.startswith("LLM_PROXY__"):
        raise ConfigurationError(f"settings[{name!r}]: leave LLM_PROXY__ out of the name")
    return name


def _setting_value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"settings[{name!r}] must be a str, a number or a bool, not {_kind(value)}")
    return str(value)


def base_url(value: object) -> str:
    """Where the service is, without `/v1` at its end."""
    from urllib.parse import urlsplit

    if not isinstance(value, str):
        raise TypeError(f"base_url must be a str, not {_kind(value)}")
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ConfigurationError(f"base_url cannot be read: {error}") from None
    if not known:
        raise ConfigurationError(f"base_url must be http://host[:port] or https://…: {value!r}")
    if parts.username is not None or parts.query or parts.fragment:
        # A password may be in it: it is not shown.
        raise ConfigurationError("base_url must be without user, query and fragment")
    return value.rstrip("/").removesuffix("/v1").rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether this machine itself is meant."""
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _check_mapping(argument: str, value: object) -> None:
    if not hasattr(value, "keys"):
        raise TypeError(f"{argument} must be a mapping, not {_kind(value)}")


def _kind(value: object) -> str:
    return type(value).__name__
