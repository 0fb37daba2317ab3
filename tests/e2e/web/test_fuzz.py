"""Whatever the API's own document allows, and some of what it does not: one clear answer, and never a fault of ours."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

from massager_ctl.frontends.web.openapi import document
from tests.e2e.web.harness import rig

EXAMPLES: Final = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 12

schema: Any = schemathesis.openapi.from_dict(document())


class Running:
    """A server in a thread of its own, where the tests' own client may block."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.url = self.token = ""
        self._leave: Any = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        async with rig() as made:
            self.url, self.token = made.origin, made.token
            self.phase = lambda: made.controller.status.phase
            self.ready.set()
            await self._leave.wait()

    def __enter__(self) -> Running:
        self._thread.start()
        assert self.ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(30)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as made:
        yield made


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_no_request_makes_a_fault(case: schemathesis.Case, running: Running) -> None:
    answer = case.call(
        base_url=running.url,
        headers={"authorization": f"Bearer {running.token}"},
    )
    case.validate_response(answer, checks=[not_a_server_error])
    assert running.phase() in ("idle", "ended")
