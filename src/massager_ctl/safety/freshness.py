"""Freshness (R5): a request older than a second has no effect, unless it can only lower."""

from __future__ import annotations

from typing import Final

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Ask, GetStatus, Start, Watch, only_lowers

STALE_S: Final = 1.0
"""Seconds from the receipt of a request, which is when the operating system had it, to its effect (R5)."""


def require_fresh(request: Ask, age_s: float) -> None:
    """Raises Refused if `request` is `age_s` seconds old and that is too old."""
    if age_s <= STALE_S or only_lowers(request) or isinstance(request, (GetStatus, Watch)):
        return
    what = "the start" if isinstance(request, Start) else "the request"
    raise Refused(
        f"{what} was {age_s:.1f} s old when its turn came; it has no effect (R5)", "Ask again."
    )
