"""All broken devices by name: each one a mistake that a reader of docs/protocol.md could make."""

import re

from tests.second_device import bad_frames, bad_levels, bad_link, bad_reports, bad_rest
from tests.second_device.sound import SecondDevice

_ALL = (
    *bad_levels.VARIANTS,
    *bad_link.VARIANTS,
    *bad_frames.VARIANTS,
    *bad_rest.VARIANTS,
    *bad_reports.VARIANTS,
)


def _name(cls: type[SecondDevice]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


BAD: dict[str, type[SecondDevice]] = {_name(cls): cls for cls in _ALL}
