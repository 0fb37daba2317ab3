"""Traces: their header, samples and events, and where they may go."""

from __future__ import annotations

import asyncio
import io
import json
from itertools import pairwise
from pathlib import Path

from tests.support.marks import simulated_time
from tests.unit.firmware_sim.memory_client import Client

from firmware_sim.links.memory import open_simulator


@simulated_time
async def test_a_trace_has_a_header_samples_and_events(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"

    client = Client(open_simulator("seed=8&fault=button@4", trace_path=path, profile="test"))
    await client.arm()
    await client.drive(5.0)
    client.sim.close()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {
        "type": "header",
        "version": 1,
        "device": "SIM-00000001",
        "profile": "test",
        "seed": 8,
    }
    samples = [line for line in lines if line["type"] == "sample"]
    events = [(line["event"], line["reason"]) for line in lines if line["type"] == "event"]
    assert events == [
        ("boot", "none"),
        ("arm", ""),
        ("fault", "button@4"),
        ("latch", "button"),
    ]
    assert list(samples[0]) == [
        "type", "t", "running", "state", "out", "drive", "vibration", "kneading", "motion",
        "heat_c", "pad_c", "motor_c", "battery", "current_ma",
    ]  # fmt: skip
    times = [sample["t"] for sample in samples]
    assert max(b - a for a, b in pairwise(times)) <= 0.2001
    assert times == sorted(times)
    outs = [sample["out"]["trapezius_left"] for sample in samples]
    assert max(outs) == 5.0
    assert outs[-1] == 0.0
    assert samples[-1]["state"] == "latched"


@simulated_time
async def test_a_trace_may_go_to_an_open_file() -> None:
    file = io.StringIO()

    sim = open_simulator("fault=sensor_open@0.1&mains=on", trace=file)
    await asyncio.sleep(1.0)
    sim.close()
    last = json.loads(file.getvalue().splitlines()[-1])
    assert (last["pad_c"], last["battery"], last["state"]) == (None, None, "fault")
