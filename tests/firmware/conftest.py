"""A pico_w board on MicroPython: its firmware, its flash, and its power."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from massager_ctl.flash.manifest import Build
from tests.firmware.pico import Pico, built, flashed


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return built(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, made: Build) -> Path:
    """A flash with the firmware, as the installer left it."""
    path = tmp_path_factory.mktemp("image") / "flash"
    flashed(path, made)
    return path


@pytest.fixture
def flash(image: Path, tmp_path: Path) -> Path:
    path = tmp_path / "flash"
    path.write_bytes(image.read_bytes())
    return path


@pytest.fixture
def power(made: Build, flash: Path, tmp_path: Path) -> Iterator[Callable[..., Pico]]:
    """Give a board its power; what hands do before that is an argument."""
    running: list[Pico] = []

    def on(*, stepped: bool = True, **hands: float) -> Pico:
        pins = (made.folder.parent / "pins.py").read_text()
        running.append(Pico(tmp_path / "run", flash, pins, stepped=stepped, **hands))
        return running[-1]

    yield on
    for board in running:
        board.unplug()
