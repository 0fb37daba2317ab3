"""A session over a real broker: started, steered, stopped; and what must not start or raise it (R18)."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.control.admission import Subject
from massager_ctl.frontends.mqtt import bridge
from massager_ctl.frontends.mqtt.choices import profile_titles
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Pause
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from tests.e2e.mqtt_harness import Ear, Mosquitto, Rig, listener, offered, rig, settings_for

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.needs("mosquitto"),
    pytest.mark.usefixtures("own_folders"),
]


async def ready(ear: Ear, bench: Rig) -> None:
    """Wait until everything is up, and let a start happen."""
    await ear.becomes(phase="idle", problem=False)
    bench.let()


async def begin(ear: Ear, bench: Rig, value: str = "manual") -> None:
    await ready(ear, bench)
    await ear.press("start", value)
    await ear.becomes(phase="running")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_session_by_hand(tmp_path: Path, protocol: str) -> None:
    async with offered(tmp_path, protocol=protocol) as (_, ear, bench):
        await begin(ear, bench)
        started = await ear.event("started")
        assert (started["profile"], started["remote"]) == ("manual", True)
        await ear.press("level/trapezius_left", 12)
        await ear.becomes(targets=dict.fromkeys(ear.state["targets"], 0) | {"trapezius_left": 12})
        await ear.until(lambda: ear.state["levels"]["trapezius_left"] >= 1)
        await ear.send("stop")
        stopped = await ear.event("stopped")
        assert stopped["confirmed"] is True
        assert stopped["reason"] == "person"
        assert max(bench.controller.status.actual) == 0
        await ear.becomes(phase="idle", running=False, stop_reason="person")


async def test_a_chosen_profile_plays_and_is_eased_paused_and_faded(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        await ear.press("profile", "restorative")
        await ear.becomes(profile="restorative")
        await ear.press("start")
        await ear.becomes(phase="running", playing="restorative")
        await ear.send("ease")
        await ear.becomes(eased=5)
        await ear.press("undo_ease")
        await ear.becomes(eased=0)
        await ear.send("pause")
        await ear.becomes(phase="paused")
        await ear.press("resume")
        await ear.becomes(phase="running")
        await ear.send("fade")
        assert (await ear.event("stopped"))["confirmed"] is True


async def test_a_profile_can_be_chosen_as_soon_as_the_state_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to read the profiles on a busy machine."""

    def read_slowly() -> dict[str, str]:
        time.sleep(1.0)
        return profile_titles()

    monkeypatch.setattr(bridge, "profile_titles", read_slowly)
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        await ear.press("profile", "restorative")
        await ear.becomes(profile="restorative")


async def test_choices_are_told_back_only_when_they_are_taken(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        await ear.press("duration", 5)
        await ear.becomes(duration_min=5)
        await ear.press("direction", "alternate")
        await ear.becomes(direction="alternating")
        for name, value in (
            ("duration", 16),
            ("direction", "sideways"),
            ("heat", "60"),
            ("profile", "../etc/passwd"),
            ("level/spine", 5),
            ("level/trapezius_left", 101),
            ("level/trapezius_left", "50"),
            ("nonsense", 1),
        ):
            before = len(ear.events("rejected"))
            await ear.press(name, value)
            rejected = await ear.event("rejected", before + 1)
            assert rejected["why"] == "bad_input", rejected
        assert (ear.state["duration_min"], ear.state["direction"]) == (5, "alternating")
        await ear.press("start", "manual")
        state = await ear.becomes(phase="running", direction="alternating")
        assert state["remaining_s"] <= 300


async def test_what_was_clamped_is_told_and_published_back(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await begin(ear, bench)
        await ear.press("level/trapezius_left", 65)
        clamped = await ear.event("clamped")
        assert clamped["cap"] == 40
        await ear.until(lambda: ear.state["targets"]["trapezius_left"] == 40)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("ON", "bad_input"),
        ("PRESS", "nonce"),
        ('{"v":"PRESS"}', "nonce"),
        ('{"v":"PRESS","n":"guess","t":%(now)s}', "nonce"),
        ('{"v":"PRESS","n":"%(nonce)s"}', "stamp"),
        ('{"v":"PRESS","n":"%(nonce)s","t":"%(now)s"}', "stamp"),
        ('{"v":"PRESS","n":"%(nonce)s","t":true}', "stamp"),
        ('{"v":"PRESS","n":"%(nonce)s","t":1e308}', "skew"),
        ('{"v":"PRESS","n":"%(nonce)s","t":%(early)s}', "skew"),
        ('{"v":"PRESS","n":"%(nonce)s","t":%(future)s}', "skew"),
    ],
)
async def test_a_start_without_the_right_stamp_does_nothing(
    tmp_path: Path, payload: str, why: str
) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        now = time.time()
        await ear.send(
            "start",
            payload % {"nonce": ear.nonce, "now": now, "early": now - 10, "future": now + 10},
        )
        rejected = await ear.event("rejected")
        assert rejected["why"] == why
        assert bench.controller.status.phase == "idle"
        if why == "skew":
            assert abs(rejected["skew_s"]) > 9
            await ear.becomes(clock_problem=True)
        # One with the right stamp goes through, and the clock's problem is over.
        await ear.press("start", "manual")
        await ear.becomes(phase="running", clock_problem=False)


async def test_without_somebody_at_the_machine_nothing_starts_and_only_once_with(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ear.becomes(phase="idle", problem=False)
        await ear.press("start", "manual")
        assert (await ear.event("rejected"))["why"] == "not_ready"
        await begin(ear, bench)
        await ear.send("stop")
        await ear.becomes(phase="idle")
        await ear.press("start", "manual")
        assert (await ear.event("rejected", 2))["why"] == "not_ready"
        assert bench.controller.status.phase == "ended"


async def test_the_devices_button_makes_ready(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ear.becomes(phase="idle", problem=False)
        bench.device.press()  # the first edge latches, as every press does
        await ear.becomes(phase="latched")
        bench.device.release()
        await asyncio.sleep(0.2)
        bench.device.press()
        await asyncio.sleep(2.3)  # R7: held for 2 s, it clears its own latch
        bench.device.release()
        await ear.becomes(phase="idle", ready=True)
        await ear.press("start", "manual")
        await ear.becomes(phase="running", ready=False)


async def test_a_copy_of_a_start_and_of_a_raise_does_nothing(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        start = ear.stamped("manual")
        await ear.send("start", start)
        await ear.becomes(phase="running")
        bench.let()
        await ear.send("start", start)
        assert (await ear.event("rejected"))["why"] == "nonce"
        level = ear.stamped(20)
        await ear.send("level/trapezius_left", level)
        await ear.until(lambda: ear.state["targets"]["trapezius_left"] == 20)
        await ear.send("level/trapezius_left", "10")  # lower, with no stamp at all
        await ear.until(lambda: ear.state["targets"]["trapezius_left"] == 10)
        await ear.send("level/trapezius_left", level)
        assert (await ear.event("rejected", 2))["why"] == "replayed"
        assert ear.state["targets"]["trapezius_left"] == 10
        await ear.send("stop", b"")
        await ear.becomes(phase="idle")
        await ear.send("level/trapezius_left", level)
        assert (await ear.event("rejected", 3))["why"] == "nonce"


async def test_home_assistant_restarting_voids_what_was_sent_before_and_hears_all_again(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await ready(ear, bench)
        start, old = ear.stamped("manual"), ear.nonce
        config = ear.last("state")
        ear.heard.clear()
        await ear.client.publish("homeassistant/status", "offline", 1)
        await ear.until(lambda: ear.last("nonce") and ear.nonce != old)
        await ear.client.publish("homeassistant/status", "online", 1)
        await ear.until(
            lambda: any(h.topic == "homeassistant/device/neck/config" for h in ear.heard)
        )
        await ear.until(lambda: ear.last("state") and ear.last("availability"))
        assert config is not None
        assert ear.state["phase"] == "idle"
        await ear.send("start", start)
        assert (await ear.event("rejected"))["why"] == "nonce"


async def test_pain_from_elsewhere_stops_and_locks_until_it_is_answered_here(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await begin(ear, bench)
        await ear.send("pain")
        assert (await ear.event("stopped"))["reason"] == "pain"
        await asyncio.sleep(0)
        lock = await bench.store.lock()
        assert lock is not None
        assert lock.kind == "unclassified"


async def test_nothing_resets_from_elsewhere(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await begin(ear, bench)
        bench.device.press()
        assert (await ear.event("estop"))["reason"] == "button"
        await ear.becomes(phase="latched", problem=True)
        bench.device.release()
        await ear.press("reset")
        assert (await ear.event("rejected"))["why"] == "bad_input"
        assert ear.state["phase"] == "latched"


async def test_a_stop_works_without_a_session_and_is_confirmed(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)),
    ):
        await ear.becomes(phase="idle", problem=False)
        for payload in (b"", b"\xff\xfe", b"{" * 10_000, b"PRESS"):
            before = len(ear.events("stopped"))
            await ear.send("stop", payload)
            assert (await ear.event("stopped", before + 1))["confirmed"] is True


async def test_a_pause_by_somebody_else_shows_here(tmp_path: Path) -> None:
    async with offered(tmp_path) as (_, ear, bench):
        await begin(ear, bench)
        bench.controller.request(Pause())
        await ear.becomes(phase="paused")
        await bench.controller.stop(Cause.PERSON)
        await ear.becomes(phase="idle")


async def test_the_discovery_message_is_what_home_assistant_wants(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port)),
    ):
        await ear.becomes(phase="idle", problem=False)
        topic = "homeassistant/device/neck/config"
        found = [heard for heard in ear.heard if heard.topic == topic and heard.payload]
        message = json.loads(found[-1].payload)
        assert {"dev", "o", "cmps"} <= message.keys()
        assert message["cmps"]["intensity_trapezius_left"]["max"] == 40


async def test_a_device_that_somebody_wears_keeps_its_screening_and_its_medical_lock(
    tmp_path: Path,
) -> None:
    async with offered(tmp_path, subject=Subject.REAL) as (_, ear, bench):
        await ready(ear, bench)
        await ear.press("start", "manual")
        assert (await ear.event("rejected"))["why"] == "screening_needed"
        moment = ClockReader(SystemClock()).now()
        await bench.store.answer(
            Answered(question.id, Answer.NO, moment) for question in (*QUESTIONS, SYMPTOMS)
        )
        await begin(ear, bench)
        await ear.send("pain")
        await ear.becomes(phase="idle", stop_reason="pain")
        bench.let()
        await ear.press("start", "manual")
        assert (await ear.event("rejected", 2))["why"] == "medical_lock"
