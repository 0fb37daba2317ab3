"""What all tests share: Hypothesis profiles and programs from the system."""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# Examples run on busy machines and some start an event loop, so there is no deadline: a time
# bound that a test claims stands in the test.
_COMMON: Final = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("dev", _COMMON, max_examples=50)
settings.register_profile("ci", _COMMON, max_examples=100, derandomize=True, database=None)
settings.register_profile("nightly", _COMMON, max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

# Debian keeps servers such as mosquitto out of a person's path.
_SYSTEM_PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@pytest.fixture(autouse=True)
def _programs_needed(request: pytest.FixtureRequest) -> None:
    """Skip where a program of `@pytest.mark.needs(...)` is absent; in CI that is an error."""
    for mark in request.node.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program, path=_SYSTEM_PATH) is None:
                why = f"{program} is not installed: run tools/setup-debian as root"
                if os.environ.get("CI"):
                    pytest.fail(why)
                pytest.skip(why)
