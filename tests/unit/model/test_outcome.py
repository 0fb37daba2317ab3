"""Every cause has an exit code, and every cause that a device may report has a sentence."""

from __future__ import annotations

import pytest

from massager_ctl.errors import ExitCode, LinkLost, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.model.outcome import DEVICE_SAYS, SessionEnd

BY_THE_PERSON = {Cause.PERSON, Cause.FINISHED, Cause.PAIN, Cause.HOST_CLOSING}
OF_THE_LINK = {Cause.LINK_LOST, Cause.WATCHDOG}
HOSTS_OWN = {
    Cause.NONE,
    Cause.FINISHED,
    Cause.PAIN,
    Cause.SAFETY,
    Cause.HOST_LATE,
    Cause.HOST_CLOSING,
    Cause.TELEMETRY_LOST,
    Cause.UNKNOWN,
}


@pytest.mark.parametrize("cause", Cause)
def test_the_exit_code_of_each_cause(cause: Cause) -> None:
    expected = (
        ExitCode.OK
        if cause in BY_THE_PERSON
        else ExitCode.LINK
        if cause in OF_THE_LINK
        else ExitCode.REFUSED
    )
    assert SessionEnd(cause, "", 0.0, 0.0).exit_code is expected


def test_r6_an_error_outweighs_the_cause() -> None:
    unconfirmed = SessionEnd(Cause.FINISHED, "", 0.0, 0.0, StopUnconfirmed("no"))
    assert unconfirmed.exit_code is ExitCode.UNCONFIRMED
    assert SessionEnd(Cause.PERSON, "", 0.0, 0.0, LinkLost("no")).exit_code is ExitCode.LINK


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in HOSTS_OWN])
def test_a_device_is_quoted_in_words(cause: Cause) -> None:
    assert DEVICE_SAYS[cause]
