"""No sequence of requests makes the host's levels leave R1, R2 or R3."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import IntensityError
from massager_ctl.model.units import ZERO
from massager_ctl.safety.envelope import envelope
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import CapLayer, combine

anything = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 100),
    st.integers(-5, 300),
    st.booleans(),
    st.text(max_size=3),
    st.none(),
)
turns = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 2), st.floats(-5, 400)),
        st.one_of(st.tuples(*[st.floats(0, 100)] * 6), st.lists(anything, max_size=7)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=60,
)


@given(turns, st.floats(0, 70), st.floats(0, 700))
def test_r1_r2_r3_hold_for_any_requests(
    calls: list[tuple[float, list[object], bool, bool]], cap: float, ramp_s: float
) -> None:
    limits = combine([CapLayer.flat("user", cap, "your own cap")])
    governor = Governor(limits, ramp_s)
    now, last, before = 0.0, None, ZERO
    for delta, wanted, driven, may_rise in calls:
        now += delta
        elapsed = 0.0 if last is None else max(0.0, now - last)
        last = now
        try:
            levels = governor.admit(now, wanted, driven=driven, may_rise=may_rise)
        except IntensityError:
            levels = ZERO
        for level, old, limit in zip(levels, before, limits.caps, strict=True):
            assert 0 <= level <= limit
            assert level <= envelope(governor.running_s, limit, max(300, ramp_s)) + 1e-6
            assert level <= old + (elapsed if may_rise else 0) + 0.11
            assert math.isfinite(level)
        assert sum(levels) <= 200
        before = levels
