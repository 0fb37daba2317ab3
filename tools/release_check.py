"""Everything short of publishing: build, look at what was built, install it in empty environments, run its tests.

Leaves the wheel, the source archive and the bill of materials in dist/. Both archives are installed on each Python of
this machine: first with the core alone, where a session is played, then with everything, where the tests that come in
the source archive run against what was installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import pythons

ROOT: Final = Path(__file__).resolve().parent.parent
DIST: Final = ROOT / "dist"
CORE: Final = "requirements.lock"
ALL: Final = "requirements-dev.lock"
# What looks at the checkout, or makes an installation, is not about an installed copy.
TESTS: Final = ("-m", "not checkout", "tests/unit", "tests/property")


def run(*command: str | Path, cwd: Path = ROOT, quiet: bool = False) -> None:
    """Run to the end, or raise."""
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL if quiet else None)


def build() -> tuple[Path, Path]:
    """The wheel, built from the source archive, and that archive."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, quiet=True)
    (wheel,), (archive,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive)
    return wheel, archive


def version_of(wheel: Path) -> str:
    """The version that a wheel's name holds."""
    return wheel.name.split("-")[1]


def bill_of_materials(wheel: Path) -> Path:
    """Write what the package consists of, at the versions of the lock, as CycloneDX."""
    bill = DIST / f"massager-ctl-{version_of(wheel)}.cdx.json"
    make = [sys.executable, "-m", "cyclonedx_py", "requirements", CORE, "--output-reproducible"]
    # The version comes from the tag, so that pyproject.toml holds none.
    run(*make, "--pyproject", "pyproject.toml", "--mc-type", "application", "-o", bill)
    content = json.loads(bill.read_text(encoding="utf-8"))
    content["metadata"]["component"]["version"] = version_of(wheel)
    bill.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return bill


def in_empty_environment(python: str, archive: Path, lock: str, place: Path) -> Path:
    """Install what `lock` pins, then `archive` over it; the environment's folder of programs."""
    venv = place / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    run(python, "-m", "venv", venv)
    subprocess.run(
        [ROOT / "tools" / "install", venv, lock, "alone"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    pip = [venv / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps"]
    run(*pip, "--no-build-isolation", archive)
    return venv / "bin"


def check_core(python: str, archive: Path, place: Path) -> None:
    """A session can be played with the core alone, and the version is that of the archive."""
    programs = in_empty_environment(python, archive, CORE, place)
    shown = subprocess.run(
        [programs / "massager-ctl", "--version"], check=True, capture_output=True, text=True
    ).stdout
    expected = version_of(next(DIST.glob("*.whl")))
    if expected not in shown:
        raise SystemExit(f"massager-ctl --version says {shown.strip()!r}, not {expected}")
    play = ["run", "restorative", "--device", "sim:", "--speed", "max"]
    run(programs / "massager-ctl", *play, cwd=place, quiet=True)
    run(programs / "massager-sim", "mutants", cwd=place, quiet=True)


def check_tests(python: str, archive: Path, sources: Path, place: Path) -> None:
    """The tests of the source archive pass against the installed packages."""
    programs = in_empty_environment(python, archive, ALL, place)
    run(programs / "python", "-m", "pytest", "-q", "-n", "auto", *TESTS, cwd=sources)


def unpack(archive: Path, place: Path) -> Path:
    """The sources without the packages, so that tests can only find the installed ones."""
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    sources = place / archive.name.removesuffix(".tar.gz")
    shutil.rmtree(sources / "src")
    shutil.rmtree(sources / "firmware_sim")
    shutil.rmtree(sources / "firmware/massager_fw")
    return sources


def main() -> int:
    """Check what a release would be; return 1 if this machine has no supported Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="such as 3.12; all that are here")
    asked = parser.parse_args()
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    wheel, archive = build()
    bill = bill_of_materials(wheel)
    here = pythons.present()
    with tempfile.TemporaryDirectory(prefix="mctl-release-") as folder:
        place = Path(folder)
        sources = unpack(archive, place)
        for version in asked.python or here:
            for built in (wheel, archive):
                print(f"=== {built.name} on Python {version}", flush=True)
                check_core(here[version], built, place)
                check_tests(here[version], built, sources, place)
    for file in (wheel, archive, bill):
        print(f"{file.relative_to(ROOT)}: ready")
    return 0 if here else 1


if __name__ == "__main__":
    sys.exit(main())
