"""The package as it is shipped, and the tree as it is kept."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
from build import ProjectBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pyproject_hooks import quiet_subprocess_runner

from check_tree import faults_in, tracked_files

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: Final[dict[str, list[str]]] = PROJECT["project"]["optional-dependencies"]
LOCKS: Final = ("requirements.lock", "requirements-dev.lock")


def named(requirements: list[str]) -> set[str]:
    names = (canonicalize_name(Requirement(text).name) for text in requirements)
    return {str(name) for name in names if name != "massager-ctl"}


def pins(lock: str) -> dict[str, list[tuple[Requirement, Version, int]]]:
    """Name to (requirement with its marker, version, number of hashes); some differ by Python."""
    found: dict[str, list[tuple[Requirement, Version, int]]] = {}
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line.split("--hash")[0].strip())
            version = Version(str(requirement.specifier).removeprefix("=="))
            found.setdefault(canonicalize_name(requirement.name), []).append(
                (requirement, version, line.count("--hash=sha256:"))
            )
    return found


# --- the wheel ---


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(ProjectBuilder(ROOT, runner=quiet_subprocess_runner).build("wheel", folder))


def files_below(folder: Path, pattern: str = "*") -> Iterator[str]:
    for path in folder.rglob(pattern):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def test_the_wheel_holds_both_packages_and_the_profiles_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    host = {f"massager_ctl/{name}" for name in files_below(ROOT / "src/massager_ctl")}
    device = {f"firmware_sim/{name}" for name in files_below(ROOT / "firmware_sim")}
    profiles = {f"massager_ctl/profiles_data/{name}" for name in files_below(ROOT / "profiles")}
    assert {"massager_ctl/py.typed", "firmware_sim/py.typed"} <= held
    assert held == host | device | profiles


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = "massager_ctl-0.1.0.dist-info"
        about = archive.read(f"{info}/METADATA").decode()
        entries = archive.read(f"{info}/entry_points.txt").decode()
        assert "MIT License" in archive.read(f"{info}/licenses/LICENSE").decode()
    assert "Requires-Python: >=3.11" in about
    assert "License-Expression: MIT" in about
    assert "massager-ctl = massager_ctl.cli.entry:main" in entries
    assert "massager-sim = firmware_sim.cli:main" in entries
    assert "sim = firmware_sim.links.memory:open_simulator" in entries


def test_an_installed_copy_finds_its_profiles(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from massager_ctl.profile.library import shipped_folder; print(shipped_folder())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert Path(shown.stdout.strip()) == tmp_path / "massager_ctl/profiles_data"


def test_a_checkout_finds_its_profiles() -> None:
    from massager_ctl.profile.library import shipped_folder

    assert shipped_folder() == ROOT / "profiles"


# --- dependencies ---


def test_the_core_stays_light() -> None:
    waiting = named(PROJECT["project"]["dependencies"])
    closure: set[str] = set()
    while waiting:
        name = waiting.pop()
        closure.add(name)
        for text in metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting |= {canonicalize_name(requirement.name)} - closure
    size = sum(
        Path(str(path.locate())).stat().st_size
        for name in closure
        for path in metadata.files(name) or []
        if path.suffix != ".pyc" and Path(str(path.locate())).is_file()
    )
    assert len(closure) <= 15, closure
    assert size <= 15_000_000


def test_all_holds_every_extra_but_the_tools() -> None:
    (everything,) = EXTRAS["all"]
    assert Requirement(everything).extras == set(EXTRAS) - {"all", "dev"}


def test_each_dependency_has_its_reason() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \|(?:[^|\n]*\|)? *(\S[^|\n]+?) *\|$", page, re.MULTILINE)
    assert all(len(reason) >= 18 for _, reason in rows)
    wanted = named(PROJECT["project"]["dependencies"])
    for requirements in EXTRAS.values():
        wanted |= named(requirements)
    assert {canonicalize_name(name) for name, _ in rows} == wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_pin_with_hashes_and_name_no_address(lock: str) -> None:
    locked = pins(lock)
    assert locked
    assert all(hashes for entries in locked.values() for _, _, hashes in entries)
    assert "://" not in (ROOT / lock).read_text()


def test_the_locks_fit_the_project() -> None:
    core, everything = map(pins, LOCKS)
    group = PROJECT["dependency-groups"]["build"] + PROJECT["build-system"]["requires"]
    wanted = PROJECT["project"]["dependencies"] + group
    checks = [(core, wanted), (everything, wanted + list(chain.from_iterable(EXTRAS.values())))]
    for locked, requirements in checks:
        for text in requirements:
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name != "massager-ctl":
                assert name in locked, f"{text} is not locked: run `make lock`"
                versions = [version for _, version, _ in locked[name]]
                assert all(v in requirement.specifier for v in versions), f"{text}: {versions}"
    for name, entries in core.items():
        assert {version for _, version, _ in entries} <= {v for _, v, _ in everything[name]}


def test_what_runs_here_is_what_the_lock_pins() -> None:
    for name, entries in pins("requirements-dev.lock").items():
        for requirement, version, _ in entries:
            if requirement.marker is None or requirement.marker.evaluate():
                assert Version(metadata.version(name)) == version, f"{name}: run `make setup`"


# --- the tree ---


def test_no_tracked_file_names_a_machine_or_an_index() -> None:
    faults = {
        f"{path.relative_to(ROOT)}:{line}: {found}"
        for path in tracked_files(ROOT)
        if b"\0" not in (content := path.read_bytes())
        for line, _, found in faults_in(content.decode())
    }
    assert faults == set()


@pytest.mark.parametrize(
    "text",
    [
        "cd /ho" + "me/someone/project",
        "see /wo" + "rk/main/README.md",
        "pip install --ind" + "ex-url https://example.org/",
        "pip install --extra-ind" + "ex-url=x",
        "--find-" + "links /srv/wheels",
        "source = file:/" + "//srv/pypi",
        "https://mirror.example.org/pypi/simp" + "le/click/",
        "<<<<" + "<<< HEAD",
    ],
)
def test_such_a_name_would_be_found(text: str) -> None:
    assert [line for line, _, _ in faults_in(f"first line\n{text}\n")] == [2]


@pytest.mark.parametrize("text", ["/tmp/massager", "src/work/x.py", "a link: https://example.org/"])
def test_what_is_no_such_name_is_let_through(text: str) -> None:
    assert list(faults_in(text)) == []


def test_ci_calls_make_and_nothing_else() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert re.findall(r"^ +- run: (.*)$", workflow, re.MULTILINE) == ["bash .ci/run"]
    assert "exec make --keep-going check formal test" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("name", ["massager-ctl", "sim"])
def test_an_entry_point_leads_somewhere(name: str) -> None:
    (entry,) = {
        entry for entry in metadata.distribution("massager-ctl").entry_points if entry.name == name
    }
    assert callable(entry.load())
