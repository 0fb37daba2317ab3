"""Prometheus metrics of the service, on loopback: counts and levels, nothing about a person's health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
    start_http_server,
)

from massager_ctl.control.controller import Controller
from massager_ctl.errors import InputError
from massager_ctl.frontends.mqtt.topics import EventType
from massager_ctl.model.status import LinkState, Status
from massager_ctl.model.units import ZONES

LOOPBACK: Final = "127.0.0.1"


class Metrics:
    """Collects metrics of controllers; `serve` offers them to a scraper on this machine."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._link = Gauge(
            "massager_link_up",
            "Whether there is a link to the device",
            ["device"],
            registry=registry,
        )
        self._running = Gauge(
            "massager_session_running", "Whether a session runs", ["device"], registry=registry
        )
        self._level = Gauge(
            "massager_level_percent",
            "Level as the device reports it",
            ["device", "zone"],
            registry=registry,
        )
        self._battery = Gauge(
            "massager_battery_percent", "Charge of the battery", ["device"], registry=registry
        )
        self._pad = Gauge("massager_pad_celsius", "Warmest pad", ["device"], registry=registry)
        self._sessions = Counter(
            "massager_sessions",
            "Sessions that have ended, by reason",
            ["device", "reason"],
            registry=registry,
        )
        self._mqtt = Counter(
            "massager_mqtt_events",
            "Events published over MQTT, by type",
            ["device", "type"],
            registry=registry,
        )

    def follow(self, device: str, controller: Controller) -> Callable[[], None]:
        """Watch a device; calling the result ends it."""
        ran = False

        def changed(status: Status) -> None:
            nonlocal ran
            self._link.labels(device).set(status.link is LinkState.UP)
            self._running.labels(device).set(status.phase.in_session)
            for zone in ZONES:
                self._level.labels(device, zone.value).set(status.actual[zone.index])
            if status.telemetry is not None:
                if status.telemetry.battery is not None:
                    self._battery.labels(device).set(status.telemetry.battery)
                if status.telemetry.pad_c is not None:
                    self._pad.labels(device).set(status.telemetry.pad_c)
            if ran and not status.phase.in_session:
                self._sessions.labels(device, status.end_reason or "unknown").inc()
            ran = status.phase.in_session

        changed(controller.status)
        return controller.add_listener(changed)

    def mqtt_event(self, device: str) -> Callable[[EventType, dict[str, Any]], None]:
        """Counts the events of a bridge."""
        return lambda kind, _fields: self._mqtt.labels(device, kind.value).inc()

    def text(self) -> bytes:
        """The current metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def serve(self, port: int) -> Callable[[], None]:
        """Offer the metrics at http://127.0.0.1:`port`/metrics; calling the result ends it. Raises InputError."""
        try:
            server, thread = start_http_server(port, LOOPBACK, self.registry)
        except OSError as error:
            raise InputError(
                f"metrics cannot be offered on port {port}: {error.strerror}", "Name another port."
            ) from None

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return close
