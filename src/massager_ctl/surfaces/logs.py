"""Structured logs of the service: a line for a person, JSON for a machine; no secrets, no answers about health."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

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
"""Fields whose value never reaches a log, whoever wrote the line."""


def hide(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put three dots for whatever is nobody's business."""
    for key in event.keys() & _HIDDEN:
        event[key] = "…"
    return event


def set_up_logs(*, as_json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send all logs, libraries' included, to `stream` (stderr). `as_json`: None asks whether it is a terminal."""
    out: TextIO = sys.stderr if stream is None else stream
    if as_json is None:
        as_json = not out.isatty()
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
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
