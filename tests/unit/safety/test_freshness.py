"""R5: what is older than a second has no effect, unless it can only lower, or only looks."""

from __future__ import annotations

import pytest

from massager_ctl.errors import Refused
from massager_ctl.model.requests import (
    Ask,
    Ease,
    Fade,
    GetStatus,
    Pain,
    Pause,
    Presence,
    Ready,
    Reset,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Start,
    Stop,
    Undo,
    Watch,
)
from massager_ctl.model.units import Direction, Motion
from massager_ctl.safety.freshness import STALE_S, require_fresh

LOWERS = [Stop(), Pain(), Pause(), Ease(), Fade(), SetHeat(None)]
LOOKS = [GetStatus(), Watch()]
RAISES = [
    Start(),
    SetLevel(5.0),
    SetMotion(Motion.VIBRATE, Direction.NONE),
    SetHeat(37.0),
    Resume(),
    Undo(),
    Presence(),
    Reset(),
    Ready(symptoms="no"),
]


@pytest.mark.parametrize("request_", [*LOWERS, *LOOKS])
def test_r5_what_lowers_or_looks_is_never_too_old(request_: Ask) -> None:
    require_fresh(request_, 3600.0)


@pytest.mark.parametrize("request_", RAISES)
def test_r5_all_else_has_a_second(request_: Ask) -> None:
    require_fresh(request_, STALE_S)
    what = "the start" if isinstance(request_, Start) else "the request"
    with pytest.raises(Refused, match=rf"{what} was 1\.1 s old .* \(R5\)"):
        require_fresh(request_, STALE_S + 0.1)
