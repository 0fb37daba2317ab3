"""The package as it is shipped, and the tree as it is kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from build import ProjectBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pyproject_hooks import quiet_subprocess_runner

from check_tree import faults_in, tracked_files

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: Final[dict[str, list[str]]] = PROJECT["project"]["optional-dependencies"]
# A group may also include another, as a table.
GROUPS: Final[dict[str, list[str | dict[str, str]]]] = PROJECT["dependency-groups"]
LOCKS: Final = sorted(path.name for path in ROOT.glob("requirements*.lock"))
WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))

pytestmark = pytest.mark.checkout


def named(requirements: list[str]) -> set[str]:
    names = (canonicalize_name(Requirement(text).name) for text in requirements)
    return {str(name) for name in names if name != "massager-ctl"}


def requirements_of(group: str) -> list[str]:
    return [text for text in GROUPS[group] if isinstance(text, str)]


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


# --- the wheel and the source archive ---


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive, and the wheel that was built from it, as a release has them; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("built")
    archive = ProjectBuilder(ROOT, runner=quiet_subprocess_runner).build("sdist", folder)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    sources = archive.removesuffix(".tar.gz")
    return Path(archive), Path(
        ProjectBuilder(sources, runner=quiet_subprocess_runner).build("wheel", folder)
    )


@pytest.fixture(scope="module")
def wheel(built: tuple[Path, Path]) -> Path:
    return built[1]


def test_the_source_archive_is_the_checkout(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as tar:
        held = {name.partition("/")[2] for name in tar.getnames()}
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    there = {name for name in names.split("\0") if name and (ROOT / name).is_file()}
    assert held == there | {"PKG-INFO"}


def files_below(folder: Path, pattern: str = "*") -> Iterator[str]:
    for path in folder.rglob(pattern):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def test_the_wheel_holds_the_packages_and_the_profiles_and_nothing_else(wheel: Path) -> None:
    held = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if ".dist-info/" not in name and ".data/" not in name
    }
    host = {f"massager_ctl/{name}" for name in files_below(ROOT / "src/massager_ctl")}
    suite = {f"massager_hil/{name}" for name in files_below(ROOT / "src/massager_hil")}
    device = {f"firmware_sim/{name}" for name in files_below(ROOT / "firmware_sim")}
    rules = {f"massager_fw/{name}" for name in files_below(ROOT / "firmware/massager_fw")}
    profiles = {f"massager_ctl/profiles_data/{name}" for name in files_below(ROOT / "profiles")}
    boards = {
        f"massager_ctl/flash/boards_data/{name}" for name in files_below(ROOT / "firmware/boards")
    }
    packages = ("massager_ctl", "massager_hil", "massager_fw", "firmware_sim")
    assert {f"{name}/py.typed" for name in packages} <= held
    schemas = {
        "massager_ctl/drivers/described/device.schema.json",
        "massager_ctl/profile/profile.schema.json",
    }
    assert held == host | suite | rules | device | boards | profiles | schemas


def test_the_wheel_brings_the_manual_pages_to_where_man_looks(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = {name.partition(".data/data/")[2] for name in names if ".data/" in name}
    assert data == {f"share/man/man1/{name}.1" for name in PROJECT["project"]["scripts"]}


@pytest.mark.parametrize("name", ["device", "profile"])
def test_a_schema_has_a_name_of_its_own_that_leads_to_no_machine(name: str) -> None:
    schema = json.loads((ROOT / f"docs/reference/{name}.schema.json").read_text())
    assert re.fullmatch(r"urn:massager-ctl:[a-z-]+:1", schema["$id"])


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
        about = archive.read(f"{info}/METADATA").decode()
        entries = archive.read(f"{info}/entry_points.txt").decode()
        assert "MIT License" in archive.read(f"{info}/licenses/LICENSE").decode()
    assert "Requires-Python: >=3.11" in about
    assert "License-Expression: MIT" in about
    assert "massager-ctl = massager_ctl.cli.entry:main" in entries
    assert "massager-sim = firmware_sim.cli:main" in entries
    assert "sim = firmware_sim.links.memory:open_simulator" in entries


@pytest.mark.slow
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


def test_an_installed_copy_builds_firmware(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from massager_ctl.flash.boards import find_board;"
        "sources = find_board('pico_w');"
        "print(sources.folder, *sources.modules().values(), sep='\\n')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    found = shown.stdout.split()
    assert found[0] == str(tmp_path / "massager_ctl/flash/boards_data/pico_w")
    assert str(tmp_path / "massager_fw/board.py") in found
    assert all(path.startswith(f"{tmp_path}/") for path in found)


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
    for requirements in chain(EXTRAS.values(), map(requirements_of, GROUPS)):
        wanted |= named(requirements)
    assert {canonicalize_name(name) for name, _ in rows} == wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_pin_with_hashes_and_name_no_address(lock: str) -> None:
    locked = pins(lock)
    assert locked
    assert all(hashes for entries in locked.values() for _, _, hashes in entries)
    assert "://" not in (ROOT / lock).read_text()


def test_the_locks_fit_the_project() -> None:
    core, everything = pins("requirements.lock"), pins("requirements-dev.lock")
    builds = requirements_of("build") + PROJECT["build-system"]["requires"]
    wanted = PROJECT["project"]["dependencies"] + builds
    checks = [
        (core, wanted),
        (everything, wanted + list(chain.from_iterable(EXTRAS.values()))),
        (pins("requirements-build.lock"), builds),
        (pins("requirements-release.lock"), builds + requirements_of("release")),
    ]
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


def test_the_locks_ask_for_extras_as_the_project_does() -> None:
    """An old pip takes `pyright[nodejs]` for another package than `pyright`, and finds no hash for it."""
    locked = pins("requirements-dev.lock")
    for text in chain.from_iterable(EXTRAS.values()):
        requirement = Requirement(text)
        for entry, _, _ in locked.get(canonicalize_name(requirement.name), []):
            assert requirement.extras <= entry.extras, text


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


# --- workflows ---


def jobs(workflow: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())["jobs"]


def test_ci_calls_make_and_nothing_else() -> None:
    commands = {
        name: [step["run"] for step in job["steps"] if "run" in step]
        for name, job in jobs("ci.yml").items()
    }
    assert commands == {
        "ci": ["bash .ci/run"],
        "removals": ['make removals N=20 SEED=${{ github.sha }} ARGS="--minutes 25"'],
        "macos": ["make demo quick"],
        "install": ["make check-install"],
        "home-assistant": ["make check-home-assistant"],
    }
    assert "exec make --keep-going check formal cover" in (ROOT / ".ci/run").read_text()


def test_what_is_tested_is_what_is_claimed() -> None:
    classifiers = PROJECT["project"]["classifiers"]
    claimed = [text.rpartition(" ")[2] for text in classifiers if "Python :: 3." in text]
    ci = jobs("ci.yml")
    assert ci["ci"]["strategy"]["matrix"]["python"] == claimed
    assert ci["install"]["strategy"]["matrix"]["python"] == claimed
    (setup,) = (
        step
        for step in jobs("release.yml")["check"]["steps"]
        if "setup-python" in step.get("uses", "")
    )
    assert sorted(setup["with"]["python-version"].split()) == sorted(claimed)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_only_the_job_that_publishes_may_ask_for_a_token() -> None:
    for workflow in WORKFLOWS:
        text = workflow.read_text()
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
        assert text.count("id-token: write") == (workflow.name == "release.yml")
    assert jobs("release.yml")["publish"]["permissions"] == {"id-token": "write"}


@pytest.mark.parametrize("name", ["massager-ctl", "sim"])
def test_an_entry_point_leads_somewhere(name: str) -> None:
    (entry,) = {
        entry for entry in metadata.distribution("massager-ctl").entry_points if entry.name == name
    }
    assert callable(entry.load())


# --- the words ---

STUMBLES: Final = re.compile(
    r"\bat the (?:most|least)\b|\banew\b|\bsomebody\b|\bfrom elsewhere\b"
    r"|\bfaster than life\b|\bbelongs into\b|\bis no (?:medical device|number|time|label)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("folder", ["src", "firmware_sim", "docs"])
def test_code_and_documents_are_in_plain_modern_english(folder: str) -> None:
    """At most, again, a person or another program, remote: what a reader expects."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked_files(ROOT)
        if path.is_relative_to(ROOT / folder) and path.suffix in {".py", ".md", ".js", ".html"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if STUMBLES.search(line)
    ]
    assert not found, "\n".join(found)
