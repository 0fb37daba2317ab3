"""A lock file installs today and in three years: with an old pip and a new one, beside newer releases of everything.

Lays a package index of its own in which every locked package also has a release of version 9999, makes an
environment with the wanted pip, lets `tools/install` fill it, and compares what it holds with the lock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = "requirements-build.lock"
LOCKS: Final = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")

# What the oldest and a late patch release of each Python bring, with the hash of the wheel.
PIPS: Final[Mapping[str, str]] = {
    "22.3": "1daab4b8d3b97d1d763caeb01a4640a2250a0ea899e257b1e44b9eded91e15ab",
    "23.0.1": "236bcb61156d76c4b8a05821b988c7b8c35bf0da28a4b614e8d6ab5212c25c6f",
    "23.2.1": "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
    "24.2": "2cd581cf58ab7fcfca4ce8efa6dcacd0de5bf8d0a3eb9ec927e07405f4d9e2a2",
    "26.3": "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
}
NEWEST: Final = "9999"


def pips_for(python: tuple[int, int]) -> list[str]:
    """The pips that work with this Python: from the one that its first release brings."""
    first = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2"}.get(python, "26.3")
    versions = list(PIPS)
    return versions[versions.index(first) :]


def pinned(lock: str) -> dict[str, str]:
    """Name to version of what the text of a lock file asks for on this Python and system."""
    wanted: dict[str, str] = {}
    for line in lock.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line.split("--hash")[0].strip())
            if requirement.marker is None or requirement.marker.evaluate():
                name = canonicalize_name(requirement.name)
                wanted[name] = str(requirement.specifier).removeprefix("==")
    return wanted


def download(lock: Path, folder: Path) -> None:
    """Fetch what `lock` pins into `folder`, from wherever pip is set to look."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    exactly = ["--no-deps", "--require-hashes", "--no-build-isolation", "--prefer-binary"]
    subprocess.run([*pip, *exactly, "-d", folder, "-r", lock], check=True)


def fetch_pip(version: str, folder: Path) -> Path:
    """The wheel of one pip, by its hash."""
    asked = folder / f"pip-{version}.txt"
    asked.write_text(f"pip=={version} --hash=sha256:{PIPS[version]}\n", encoding="ascii")
    download(asked, folder)
    return next(folder.glob(f"pip-{version}-*.whl"))


def newer_release(wheel: Path, folder: Path) -> None:
    """Write a wheel of version 9999 that asks for what `wheel` asks for, and holds nothing else."""
    name, _, _, _ = parse_wheel_filename(wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (
            entry
            for entry in archive.namelist()
            if entry.count("/") == 1 and entry.endswith(".dist-info/METADATA")
        )
        about = Parser().parsestr(archive.read(path).decode())
    about.replace_header("Version", NEWEST)
    about.set_payload("")
    stem = f"{name.replace('-', '_')}-{NEWEST}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        info = f"{stem}.dist-info"
        archive.writestr(f"{info}/METADATA", about.as_string())
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: check_install\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def lay_index(wheels: Path, index: Path) -> None:
    """Sort the files of `wheels` into folders by name, each wheel beside a newer release."""
    for file in wheels.iterdir():
        if file.suffix == ".whl":
            name, _, _, _ = parse_wheel_filename(file.name)
        elif file.name.endswith(".tar.gz"):
            name = canonicalize_name(file.name.removesuffix(".tar.gz").rpartition("-")[0])
        else:
            continue
        home = index / name
        home.mkdir(parents=True, exist_ok=True)
        (home / file.name).hardlink_to(file)
        if file.suffix == ".whl":
            newer_release(file, home)
    for home in index.iterdir():
        links = (f'<a href="{file.name}">{file.name}</a>\n' for file in home.iterdir())
        (home / "index.html").write_text("".join(links), encoding="ascii")


def environment_of(index: Path) -> dict[str, str]:
    """The environment variables with which pip looks at `index` and nowhere else."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return own | {
        "PIP_INDEX_URL": index.as_uri(),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def environment_with(pip: Path, venv: Path) -> Path:
    """Make an environment that holds this pip alone; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    subprocess.run(
        [python, pip / "pip", "install", "-q", "--no-index", "--no-deps", pip], check=True
    )
    return python


def held(python: Path) -> dict[str, str]:
    """Name to version of everything in an environment but pip and this project."""
    listing = subprocess.run(
        [python, "-m", "pip", "list", "--format=json"], check=True, capture_output=True, text=True
    ).stdout
    entries = {canonicalize_name(entry["name"]): entry["version"] for entry in json.loads(listing)}
    return {name: entries[name] for name in entries.keys() - {"pip", "massager-ctl"}}


def check(lock: str, pip: str, wheels: Path, folder: Path) -> str:
    """Install `lock` with `pip`; what went wrong, or nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        index, venv = Path(place, "index"), Path(place, "venv")
        lay_index(wheels, index)
        python = environment_with(fetch_pip(pip, folder), venv)
        done = subprocess.run(
            [ROOT / "tools" / "install", venv, lock],
            env=environment_of(index),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return f"tools/install ended with {done.returncode}\n{done.stdout}{done.stderr}"
        got, wanted = held(python), pinned((ROOT / lock).read_text(encoding="utf-8"))
        odd = {name for name in got.keys() | wanted.keys() if got.get(name) != wanted.get(name)}
        return "".join(f"{name}: {got.get(name)}, not {wanted.get(name)}\n" for name in sorted(odd))


def main() -> int:
    """Check each lock with each pip; return 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("locks", nargs="*", default=LOCKS, metavar="LOCK", help="all of them")
    parser.add_argument("--pip", action="append", choices=PIPS, help="all that fit this Python")
    asked = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="mctl-install-") as place:
        for lock in asked.locks:
            wheels = Path(place, Path(lock).stem)
            for name in (BUILD, lock):
                download(ROOT / name, wheels)
            for pip in asked.pip or pips_for(sys.version_info[:2]):
                wrong = check(lock, pip, wheels, Path(place))
                failures += bool(wrong)
                print(f"{lock} with pip {pip}: {wrong or 'exactly what it pins'}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
