"""The stop over MQTT, while 20,000 commands of another client that have no effect lie before it."""

from __future__ import annotations

import asyncio
import statistics

from bench.figures import Row, Scale, at_most
from bench.mqtt_stop import FLOOD, FLOODED_STOP_S, measured, p99

NUMBER = 14
TITLE = "stop over MQTT behind 20,000 commands"


def measure(scale: Scale) -> Row:
    found = asyncio.run(measured(scale.of(20), scale.of(5, least=1), scale.of(FLOOD)))
    worst, quiet = max(found.behind), statistics.median(found.quiet)
    return Row(
        NUMBER,
        TITLE,
        (at_most("worst", worst * 1000, FLOODED_STOP_S * 1000, "ms"),),
        {
            "quiet_p50_ms": quiet * 1000,
            "quiet_p99_ms": p99(found.quiet) * 1000,
            "flooded_worst_ms": worst * 1000,
            "over_quiet": worst / quiet,
        },
    )
