"""The API by whole requests to a real server: what is asked, what is refused, and what the device then does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from massager_ctl.control.admission import Subject
from massager_ctl.frontends.web.api import ROUTES
from tests.e2e.web.harness import page, rig, soon

pytestmark = pytest.mark.asyncio


async def test_a_session_from_ready_to_the_history() -> None:
    async with rig() as made, page(made) as phone:
        made.let()
        picture = await phone.until(lambda picture: picture["ready_for_s"] > 0)
        answer = await made.stamped("start", phone, profile="restorative")
        assert answer.status == 200, answer.body
        assert answer.json["device"] == "neck"
        assert answer.json["status"]["phase"] == "running"
        running = await phone.until(lambda picture: picture["status"]["phase"] == "running")
        assert running["nonce"] != picture["nonce"]
        assert running["ready_for_s"] == 0
        await phone.until(lambda picture: picture["keeper"] == phone.name)
        await phone.until(lambda picture: picture["status"]["actual"]["trapezius_left"] > 0)
        stopped = await made.ask(
            "POST", "/v1/devices/neck/stop", host="else.where", authorization=""
        )
        assert stopped.json == {
            "device": "neck",
            "address": "sim:",
            "serial": "SIM-00000001",
            "request": "stop",
            "confirmed": True,
        }
        await soon(lambda: not any(made.controller.status.actual))
        await phone.until(
            lambda picture: picture["status"]["end_reason"] == "person" and not picture["keeper"]
        )
        await soon(lambda: made.controller.status.phase == "ended")
        history = (await made.ask("GET", "/v1/history")).json
        assert [(row["profile"], row["end_reason"]) for row in history["sessions"]] == [
            ("restorative", "person")
        ]
        assert history["dose"]["sessions_left"] == 3  # too short to count as one


async def test_nothing_starts_from_a_page_unless_somebody_at_the_machine_is_ready() -> None:
    async with rig() as made, page(made) as phone:
        answer = await made.stamped("start", phone, profile="restorative")
        assert (answer.status, answer.kind, answer.json["why"]) == (409, "rejected", "not_ready")
        assert "massager-ctl ready" in answer.json["detail"]
        assert made.controller.status.phase == "idle"


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        ({}, "nonce"),
        ({"n": "older"}, "nonce"),
        ({"t": None}, "stamp"),
        ({"t": True}, "stamp"),
        ({"t": 1.0}, "skew"),
        ({"t": 9e12}, "skew"),
    ],
)
async def test_a_start_without_the_nonce_and_the_time_of_now_is_rejected(
    stamp: dict[str, Any], why: str
) -> None:
    async with rig() as made, page(made) as phone:
        made.let()
        body = {"page": phone.name, **stamp}
        answer = (
            await made.ask("POST", "/v1/devices/neck/start", body)
            if "t" not in stamp
            else await made.stamped("start", phone, **stamp)
        )
        assert (answer.status, answer.json["why"]) == (409, why)
        assert made.owned["neck"].gate.ready_for_s(asyncio.get_running_loop().time()) > 0


@pytest.mark.parametrize("here", [False, None])
async def test_a_start_or_presence_comes_from_a_page_that_is_seen(here: bool | None) -> None:
    async with rig() as made, page(made, here=bool(here)) as phone:
        made.let()
        for name in ("start", "presence"):
            answer = await made.stamped(name, phone if here is False else None)
            assert (answer.status, answer.kind) == (409, "no_page")


async def test_each_raise_is_taken_once() -> None:
    async with rig() as made, page(made) as phone:
        await made.begun(phone)
        picture = (await made.ask("GET", "/v1/devices/neck/status")).json
        raised = {"n": picture["nonce"], "t": picture["time"], "zone": "neck_left", "percent": 8}
        assert (await made.ask("POST", "/v1/devices/neck/set", raised)).status == 200
        # Lower, without a nonce.
        lower = {"zone": "neck_left", "percent": 4}
        assert (await made.ask("POST", "/v1/devices/neck/set", lower)).status == 200
        assert made.controller.aims[2] == 4
        again = await made.ask("POST", "/v1/devices/neck/set", raised)
        assert (again.status, again.json["why"]) == (409, "replayed")
        for name in ("resume", "undo", "presence"):
            bare = await made.ask("POST", f"/v1/devices/neck/{name}", {"page": phone.name})
            assert (bare.status, bare.json["why"]) == (409, "nonce"), name


async def test_what_only_lowers_needs_a_session_alone() -> None:
    async with rig() as made, page(made) as phone:
        await made.begun(phone, profile="restorative")
        for name in ("pause", "ease", "fade"):
            answer = await made.ask("POST", f"/v1/devices/neck/{name}", {"id": 7})
            assert (answer.status, answer.json["request"], answer.json["id"]) == (200, name, 7)
        await phone.until(lambda picture: picture["status"]["phase"] == "ended")


async def test_pain_from_a_page_is_never_classified_and_locks() -> None:
    async with rig() as made, page(made) as phone:
        await made.begun(phone, profile="restorative")
        answer = await made.ask("POST", "/v1/devices/neck/pain", {"kind": "mild"})
        assert answer.status == 200
        assert answer.json["said"]
        lock = await made.store.lock()
        assert lock is not None
        assert lock.kind == "unclassified"
        await phone.until(lambda picture: picture["status"]["end_reason"] == "pain")


async def test_pain_at_rest_is_in_the_history() -> None:
    async with rig() as made:
        assert (await made.ask("GET", "/v1/history")).json["pain_reports"] == []
        for _ in range(2):
            assert (await made.ask("POST", "/v1/devices/neck/pain")).status == 200
        history = (await made.ask("GET", "/v1/history?limit=1")).json
        assert history["sessions"] == []
        ((kind, at),) = [(one["kind"], one["at"]) for one in history["pain_reports"]]
        assert kind == "unclassified"
        assert abs(at - made.readings.now().wall) < 60
        both = (await made.ask("GET", "/v1/history")).json["pain_reports"]
        assert len(both) == 2
        assert both[0]["at"] >= both[1]["at"]


async def test_a_start_that_a_stop_has_overtaken_is_void() -> None:
    async with rig() as made, page(made) as phone:
        made.let()
        starting = asyncio.ensure_future(made.stamped("start", phone, profile="restorative"))
        await soon(lambda: made.controller.status.phase in ("arming", "running"))
        await made.ask("POST", "/v1/devices/neck/stop")
        await starting
        await soon(lambda: made.controller.status.phase == "ended")
        await phone.until(lambda picture: picture["keeper"] is None)


async def test_a_real_device_is_refused_until_screening_was_answered_here() -> None:
    async with rig(subject=Subject.REAL) as made, page(made) as phone:
        prospect = (await made.ask("GET", "/v1/devices/neck")).json["prospect"]
        assert prospect["caps"] is None
        assert prospect["refusal"]["type"].endswith(":screening_needed")
        assert "massager-ctl screen" in prospect["refusal"]["remedy"]
        made.let()
        answer = await made.stamped("start", phone, profile="restorative")
        assert (answer.status, answer.kind) == (409, "screening_needed")


async def test_an_unconfirmed_stop_is_told_as_one() -> None:
    async with rig() as made, page(made) as phone:
        made.break_line()
        answer = await made.ask("POST", "/v1/devices/neck/stop")
        assert (answer.status, answer.kind) == (504, "stop_unconfirmed")
        assert answer.json["device"] == "neck"
        assert "unplug" in answer.json["remedy"]
        await phone.until(lambda picture: picture["alarm"] is not None)
        html = await made.ask("POST", "/v1/devices/neck/stop", accept="text/html")
        assert (html.status, b"NOT CONFIRMED" in html.body) == (504, True)


async def test_lists_are_paged_and_bounded() -> None:
    async with rig("left", "right") as made:
        devices = (await made.ask("GET", "/v1/devices?limit=1&offset=1")).json
        assert ([row["id"] for row in devices["devices"]], devices["total"]) == (["right"], 2)
        profiles = (await made.ask("GET", "/v1/profiles?limit=3")).json
        assert (len(profiles["profiles"]), profiles["total"]) == (3, 11)
        for query in ("limit=0", "limit=201", "limit=x", "offset=-1", "limit=1e9"):
            answer = await made.ask("GET", f"/v1/profiles?{query}")
            assert (answer.status, answer.kind) == (400, "bad_input"), query


async def test_a_profile_is_planned_for_the_device_under_the_caps_of_now() -> None:
    async with rig() as made:
        plain = (await made.ask("GET", "/v1/profiles/restorative")).json
        planned = (await made.ask("GET", "/v1/profiles/restorative?device=neck")).json
        assert plain["zones"]
        assert planned["caps"].keys() == plain["caps"].keys()
        unknown = await made.ask("GET", "/v1/profiles/nothing")
        assert (unknown.status, unknown.kind) == (404, "unknown_profile")
        assert (await made.ask("GET", "/v1/profiles/gentle?device=leg")).kind == "unknown_device"


async def test_every_route_of_the_table_is_there_and_none_takes_a_reset() -> None:
    async with rig() as made:
        for route in ROUTES:
            path = route.path.replace("{device}", "neck").replace("{profile}", "gentle")
            answer = await made.ask(route.method, path)
            assert answer.status not in (404, 405, 500), (route.path, answer.body)
            other = await made.ask("DELETE", path)
            assert (other.status, other.kind) == (405, "method"), route.path
        for name in ("reset", "ready", "status", "watch"):
            answer = await made.ask("POST", f"/v1/devices/neck/{name}")
            assert answer.status in (404, 405), name


async def test_metrics_and_health() -> None:
    async with rig() as made:
        assert (await made.ask("GET", "/health", authorization="")).json == {"ok": True}
        text = (await made.ask("GET", "/metrics")).body
        assert b'massager_link_up{device="neck"} 1.0' in text


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "bad_input"),
        (b"[]", 400, "bad_input"),
        (b"\xff\xfe", 400, "bad_input"),
        (b'{"percent": NaN}', 400, "bad_input"),
        ({"zone": "throat", "percent": 5}, 400, "bad_input"),
        ({"zone": "neck_left", "percent": True}, 400, "bad_intensity"),
        ({"zone": "neck_left", "percent": -1}, 400, "bad_intensity"),
        ({"zone": "neck_left", "percent": 256}, 400, "bad_intensity"),
        ({"zone": "neck_left", "percent": "50"}, 400, "bad_intensity"),
        ({"percent": 5}, 400, "bad_input"),
        ({"zone": "neck_left", "percent": 5, "speed": 1}, 400, "bad_input"),
        ({"zone": "neck_left", "percent": 5, "page": "../etc"}, 400, "bad_input"),
        ({"profile": {"id": "mine"}}, 400, "bad_input"),
        (b'{"a":"' + b"x" * 9000 + b'"}', 413, "too_large"),
    ],
)
async def test_a_wrong_body_is_one_clear_problem_and_changes_nothing(
    body: object, status: int, kind: str
) -> None:
    async with rig() as made, page(made) as phone:
        await made.begun(phone)
        aims = made.controller.aims
        answer = await made.ask("POST", "/v1/devices/neck/set", body)
        assert (answer.status, answer.kind) == (status, kind)
        assert answer.headers["content-type"] == "application/problem+json"
        assert made.controller.aims == aims


async def test_two_pages_see_the_same_and_a_slow_one_gets_the_newest_alone() -> None:
    async with rig() as made, page(made) as one, page(made) as two:
        await made.begun(one)
        left = await one.until(lambda picture: picture["status"]["phase"] == "running")
        right = await two.until(lambda picture: picture["status"]["phase"] == "running")
        assert left == right  # the same bytes, made once
        # One that has answered and then answers no more is sent so many and waits for its turn.
        two.answers = False
        behind = two.pictures[-1]["seq"]
        await one.until(lambda picture: picture["seq"] > behind + 60)
        assert len([p for p in two.pictures if p["seq"] > behind]) <= 25
        two.answers = True
        two.say({"seq": two.pictures[-1]["seq"], "here": True})
        await two.until(lambda picture: picture["seq"] > behind + 60)


async def test_a_device_that_is_gone_is_told_of_all_the_same() -> None:
    async with rig() as made, page(made) as phone:
        made.tasks[0].cancel()
        await made.controller.close()
        await phone.until(lambda picture: picture["status"]["link"] == "closed")
        seen = len(phone.pictures)
        await phone.until(lambda picture: picture["seq"] > phone.pictures[seen - 1]["seq"] + 2)


async def test_the_api_is_what_the_document_says() -> None:
    async with rig() as made:
        answer = await made.ask("GET", "/openapi.json", authorization="")
        told = json.loads(answer.body)
        assert {
            (method.upper(), path) for path, ways in told["paths"].items() for method in ways
        } == {(route.method, route.path) for route in ROUTES}
