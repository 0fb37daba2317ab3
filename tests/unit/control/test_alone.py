"""One caller for what may move a device, and one for what stops it: the pacer and the stop path (R4, R6)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.faults.ground import Ground, Line
from tests.support.marks import simulated_time

import massager_ctl
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import LinkLost, StopUnconfirmed
from massager_ctl.model.requests import Ease

SOURCE: Final = Path(massager_ctl.__file__).parent

ALONE: Final = {
    "send": "control/pacer.py",
    "stop": "control/stop_path.py",
    "abort": "control/stop_path.py",
}
"""Methods of a driver, and the one file that calls them."""


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """Where a file calls one of those methods of something that is called a driver."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ALONE:
            owner = ast.unparse(node.value).rpartition(".")[2]
            if owner.strip("_") == "driver":
                yield node.attr, node.lineno


@pytest.mark.slow
def test_no_other_file_sends_or_stops() -> None:
    found = {
        (method, path.relative_to(SOURCE).as_posix())
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "testing"  # what tests a driver asks it for everything itself
        for method, _ in calls(path)
    }
    assert found == set(ALONE.items())


@simulated_time
async def test_r6_whatever_happens_setpoints_and_stops_have_one_caller_each(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers: dict[str, set[str]] = {method: set() for method in ALONE}
    for method in ALONE:
        real = getattr(ReferenceDriver, method)

        def seen(
            self: ReferenceDriver, *given: Any, _method: str = method, _real: Any = real
        ) -> Any:
            caller = sys._getframe(1).f_code.co_filename
            if Path(caller).parent.name != "drivers":  # a driver may call itself
                callers[_method].add(Path(caller).relative_to(SOURCE).as_posix())
            return _real(self, *given)

        monkeypatch.setattr(ReferenceDriver, method, seen)
    await g.controller.connect()
    await g.run()
    g.controller.request(Ease())
    await g.goes_on(0.5)
    g.inject("telemetry_silent")
    await g.over()
    g.tap.line = Line.MUTE
    with pytest.raises((StopUnconfirmed, LinkLost)):
        await g.controller.stop()
    assert callers == {method: {path} for method, path in ALONE.items()}
