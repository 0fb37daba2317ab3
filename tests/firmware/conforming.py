"""The checks of the suite that a busy machine cannot disturb, and that need no hand, reset or fault."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CHECKS: Final = tuple((Path(__file__).parent / "conforming.txt").read_text("utf-8").split())
