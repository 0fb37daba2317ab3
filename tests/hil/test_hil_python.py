"""A firmware object from Python: what it has to offer."""

from __future__ import annotations

import pytest

from massager_ctl.errors import AddressError
from massager_hil.dut_python import make


class Half:
    """Takes links, and nothing on them."""

    advance = None

    def __init__(self, seed: int) -> None:
        del seed

    def link_up(self, link: int, now: float, kind: str) -> None: ...

    def link_down(self, link: int, now: float) -> None: ...


class Relay:
    """Hands all that is asked of it on to a device, as a wrapper of firmware in another language does."""

    def __init__(self, seed: int) -> None:
        self._inner = Half(seed)
        self._more = {"feed": print, "advance": print}

    def __getattr__(self, name: str) -> object:
        return self._more.get(name) or getattr(self._inner, name)


def test_a_firmware_that_lacks_a_function_is_refused_by_its_name() -> None:
    with pytest.raises(AddressError, match="has no feed and no advance"):
        make(f"python:{__name__}:Half")


@pytest.mark.asyncio
async def test_functions_that_an_object_only_hands_on_count_on_every_python() -> None:
    """From 3.12 on a runtime protocol does not see them."""
    make(f"python:{__name__}:Relay").end()
