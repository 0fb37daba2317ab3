"""`run` reads, builds and proves a profile once; only what personal caps lower is built and proved a second time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.harness import opened
from tests.support.marks import simulated_time

from massager_ctl.cli import run
from massager_ctl.config import load
from massager_ctl.control import preparation
from massager_ctl.profile.format import load as profile_files
from massager_ctl.profile.plan import make


@simulated_time
async def test_a_profile_is_read_built_and_proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = {"parse": 0, "build": 0, "prove": 0}

    def count(module: Any, name: str) -> None:
        real = getattr(module, name)

        def seen(*given: Any, **named: Any) -> Any:
            counted[name] += 1
            return real(*given, **named)

        monkeypatch.setattr(module, name, seen)

    count(profile_files, "parse")
    count(make, "build")
    count(make, "prove")

    async with opened() as bench:
        proved, content = run._proved("gentle")
        assert content["id"] == "gentle"
        await bench.controller.play(proved)
        assert bench.controller.status.profile == "gentle"
    assert counted == {"parse": 1, "build": 1, "prove": 1}
    assert load().limits.user_cap >= 25.0, "nothing lowers this profile, or it would be built again"
    assert preparation.fit_plan is make.fit_plan
