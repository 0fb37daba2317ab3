"""Structured logs of the service: text for a person, JSON for a machine; no secrets, no answers about health."""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

from massager_ctl.frontends.log_stream import LogStream
from massager_ctl.model.text import visible, visible_lines

_HIDDEN: Final = frozenset(
    {
        "password",
        "username",
        "nonce",
        "token",
        "key_file",
        "answer",
        "answers",
        "symptoms",
        "screening",
    }
)
"""Fields whose value never reaches a log."""


def hide(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace secrets and health data by three dots."""
    for key in event.keys() & _HIDDEN:
        event[key] = "…"
    return event


FIELD_MAX: Final = 1000
"""Maximum characters of one text in a log line."""


def make_visible(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters in foreign text: names, topics, reasons, tracebacks."""
    for key, value in event.items():
        event[key] = visible_lines(value) if key == "exception" else _visible(value)
    return event


def _visible(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return [_visible(one) for one in cast("list[object]", value)]
        case dict():
            found = cast("dict[object, object]", value)
            return {visible(key): _visible(one) for key, one in found.items()}
        case _:
            return visible(value, FIELD_MAX)


def _standard_error(*, as_json: bool) -> LogStream:
    """What waits is written when the program ends."""

    def note(dropped: int) -> str:
        if as_json:
            return f'{{"event":"log.dropped","level":"warning","lines":{dropped}}}'
        return f"[warning  ] log.dropped    lines={dropped}"

    stream = LogStream(sys.stderr.fileno(), note)
    atexit.register(stream.close)
    return stream


def set_up_logs(*, as_json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send all logs, including those of libraries, to `stream` (stderr, which then holds up nothing).

    `as_json`: None: unless a terminal.
    """
    if as_json is None:
        as_json = not (sys.stderr if stream is None else stream).isatty()
    out: Any = _standard_error(as_json=as_json) if stream is None else stream
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, make_visible, renderer],
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                make_visible,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
