"""A reset over the control socket takes two steps, and anything that latches in between voids the first (R7)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from massager_ctl.control.controller import Controller
from massager_ctl.errors import Refused, StopUnconfirmed
from massager_ctl.model.requests import Reset

CONFIRM_S: Final = 15.0
"""Seconds within which the second step must follow."""


class ResetSteps:
    """The state of one client's reset."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._offer: tuple[str, tuple[int, StopUnconfirmed | None], float] | None = None

    async def take(self, reset: Reset, received_at: float) -> dict[str, Any]:
        """Do one step: returns what is latched and the token for the second step, or nothing once it is cleared.

        Raises Refused, DeviceRefused, LinkError.
        """
        telemetry = self._controller.status.telemetry
        latch = telemetry.latch if telemetry else 0
        unconfirmed = self._controller.unconfirmed
        if reset.confirm is None:
            cause = telemetry.cause if telemetry else "unknown"
            latched = telemetry is not None and telemetry.state.latched
            if unconfirmed is not None and not latched:
                latched, cause = True, unconfirmed.code
            token = secrets.token_hex(8)
            self._offer = (token, (latch, unconfirmed), received_at)
            return {"confirm": token, "latched": latched, "latch": latch, "cause": cause}
        offer, self._offer = self._offer, None
        if offer is None or offer[0] != reset.confirm or received_at - offer[2] > CONFIRM_S:
            raise Refused("this reset was not begun, or too long ago (R7)", "Begin again.")
        if offer[1] != (latch, unconfirmed):
            raise Refused(
                "something else has latched meanwhile (R7)", "Look at it and begin again."
            )
        await self._controller.reset()
        return {}
