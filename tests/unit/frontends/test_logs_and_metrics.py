"""Logs that keep secrets, numbers for a scraper, and waits that grow."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from massager_ctl.aio.backoff import JITTER, Backoff
from massager_ctl.errors import InputError
from massager_ctl.frontends.logs import hide, set_up_logs
from massager_ctl.frontends.metrics import Metrics
from massager_ctl.frontends.mqtt.topics import EventType
from massager_ctl.model.status import LinkState, Phase, Status


@pytest.fixture
def _logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logs")
def test_json_where_it_is_no_terminal_libraries_included_and_no_secret() -> None:
    stream = io.StringIO()
    set_up_logs(stream=stream)
    structlog.get_logger().bind(device="neck").info("service.started", password="hush", n=1)
    logging.getLogger("paho").warning("lost %s", "it")
    logging.getLogger("paho").info("chatter")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["device"], first["n"]) == ("service.started", "neck", 1)
    assert first["level"] == "info"
    assert first["timestamp"].endswith("Z")
    assert "hush" not in stream.getvalue()
    assert second["event"] == "lost it"


@pytest.mark.usefixtures("_logs")
def test_lines_for_a_person() -> None:
    stream = io.StringIO()
    set_up_logs(as_json=False, stream=stream)
    structlog.get_logger().warning("mqtt.lost", text="no route")
    assert "mqtt.lost" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("key", ["password", "answers", "symptoms", "nonce", "username"])
def test_what_is_nobodys_business_is_hidden(key: str) -> None:
    assert hide(None, "", {key: "x", "event": "e"}) == {key: "…", "event": "e"}


class Followed:
    """A controller as the metrics see it."""

    def __init__(self) -> None:
        self.status = Status()
        self.listeners: list[Any] = []

    def add_listener(self, listener: Any) -> Any:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def becomes(self, status: Status) -> None:
        self.status = status
        for listener in self.listeners:
            listener(status)


def test_sessions_are_counted_by_reason() -> None:
    metrics, followed = Metrics(), Followed()
    end = metrics.follow("neck", followed)  # type: ignore[arg-type]
    value = metrics.registry.get_sample_value
    followed.becomes(Status(link=LinkState.UP, phase=Phase.RUNNING))
    assert value("massager_session_running", {"device": "neck"}) == 1
    assert value("massager_link_up", {"device": "neck"}) == 1
    followed.becomes(Status(phase=Phase.ENDED, end_reason="person"))
    assert value("massager_sessions_total", {"device": "neck", "reason": "person"}) == 1
    assert value("massager_session_running", {"device": "neck"}) == 0
    metrics.mqtt_event("neck")(EventType.REJECTED, {})
    assert value("massager_mqtt_events_total", {"device": "neck", "type": "rejected"}) == 1
    end()
    assert followed.listeners == []


def test_a_port_in_use_is_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(InputError, match="metrics cannot be offered"),
    ):
        Metrics().serve(server.getsockname()[1])


def test_waits_double_up_to_the_longest_with_some_chance_and_begin_again() -> None:
    backoff = Backoff(0.5, 4.0)
    for full in (0.5, 1.0, 2.0, 4.0, 4.0):
        assert full * (1 - JITTER) <= backoff.next_s() <= full
    backoff.reset()
    assert backoff.next_s() <= 0.5
