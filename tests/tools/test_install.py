"""The locks install with the pips that supported Pythons bring, in a world where everything has a newer release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import check_install

ROOT = Path(__file__).resolve().parents[2]
PIPS = check_install.pips_for(sys.version_info[:2])


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the core lock pins."""
    folder = tmp_path_factory.mktemp("wheels")
    for lock in (check_install.BUILD, "requirements.lock"):
        check_install.download(ROOT / lock, folder)
    return folder


@pytest.mark.parametrize("pip", [PIPS[0], PIPS[-1]])
def test_tools_install_installs_exactly_the_lock(pip: str, wheels: Path, tmp_path: Path) -> None:
    assert check_install.check("requirements.lock", pip, wheels, tmp_path) == ""


def entry(lock: str, name: str) -> str:
    """The lines of one package in the text of a lock."""
    found = re.search(rf"^{name}(\[\w+\])?==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group()


def test_a_pip_before_24_needs_the_extra_in_the_lock_or_no_dependencies(tmp_path: Path) -> None:
    """So the index shows what it is there to show: without both, such a pip takes the newer release."""
    needs = PIPS[0].startswith(("22.", "23."))
    whole = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    names = ("pytest-cov", "coverage", "pytest", "pluggy", "iniconfig", "packaging", "pygments")
    sound, stripped = tmp_path / "sound.lock", tmp_path / "stripped.lock"
    sound.write_text("".join(entry(whole, name) for name in names), encoding="utf-8")
    stripped.write_text(sound.read_text(encoding="utf-8").replace("[toml]", ""), encoding="utf-8")
    check_install.download(sound, tmp_path / "wheels")
    check_install.lay_index(tmp_path / "wheels", tmp_path / "index")
    pip = check_install.fetch_pip(PIPS[0], tmp_path)
    python = check_install.environment_with(pip, tmp_path / "venv")
    install = [python, "-m", "pip", "install", "-q", "--dry-run", "--require-hashes"]
    results = [
        subprocess.run(
            [*install, *arguments],
            env=check_install.environment_of(tmp_path / "index"),
            capture_output=True,
            text=True,
            check=False,
        )
        for arguments in (["-r", sound], ["-r", stripped], ["-r", stripped, "--no-deps"])
    ]
    assert [bool(done.returncode) for done in results] == [False, needs, False]
    assert ("9999" in results[1].stderr) == needs
