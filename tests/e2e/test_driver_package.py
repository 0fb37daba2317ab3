"""A made-up ASCII massager is driven by a third-party package of 50 lines, from the how-to alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import PATIENCE_S, Terminal, Workstation
from tests.support.console_page import blocks
from tests.support.on_a_line import OnALine

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "write-a-driver.md"
EXAMPLE = ROOT / "examples" / "acme-massager"

pytestmark = pytest.mark.checkout


def saved() -> dict[str, str]:
    """The files that the page has its reader save."""
    return {
        block.save.removeprefix("acme-massager/"): block.text
        for block in blocks(HOW_TO, ROOT)
        if block.save
    }


def test_the_example_is_what_the_page_builds() -> None:
    for name, text in saved().items():
        assert (EXAMPLE / name).read_text() == text, f"{name} differs from the page"
    driver = saved()["acme_massager.py"].splitlines()
    assert len([line for line in driver if line.strip()]) <= 50


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed that someone makes who follows the page."""
    folder = tmp_path_factory.mktemp("acme")
    project, target = folder / "acme-massager", folder / "site"
    for name, text in saved().items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", str(target), str(project)),
        ],
        text=True,
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def acme(site: Path) -> Iterator[OnALine]:
    sys.path.insert(0, str(site))
    try:
        from acme_peer import AcmePeer  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(site))
    line = OnALine(AcmePeer())
    yield line
    line.close()


@pytest.fixture
def reader(desk: Workstation, site: Path) -> Workstation:
    desk.env["PYTHONPATH"] = str(site)
    return desk


def test_it_is_listed_and_passes_every_check(reader: Workstation) -> None:
    listed = reader.ctl("drivers", "list")
    assert re.search(
        r"acme  acme-massager 1\.0\n  the Acme neck massager, over serial", listed.stdout
    )
    assert "not confirmed on hardware by anybody yet" in listed.stdout
    checked = reader.ctl("drivers", "check", "acme-massager")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "FAILED" not in checked.stdout
    assert checked.stdout.count("passed") == 11


def test_its_own_tests_pass(reader: Workstation, site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "."],
        cwd=EXAMPLE / "tests",
        env={**reader.env, "PYTHONPATH": str(site)},
        text=True,
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


def test_nobody_may_wear_it_yet(reader: Workstation, acme: OnALine) -> None:
    done = reader.ctl("run", "gentle", "--json", "--device", f"acme:serial:{acme.port}")
    assert done.returncode == 3, done.stdout + done.stderr
    assert acme.highest == 0
    assert acme.peer.complaints == []


def test_it_is_driven_on_the_table(reader: Workstation, acme: OnALine) -> None:
    device = f"acme:serial:{acme.port}"
    with Terminal(reader, "manual", "--plain", "--on-bench", "--device", device) as terminal:
        terminal.wait_for("is it off")
        terminal.type("y\n")
        terminal.wait_for("no dead-man")
        terminal.type("set all 5\n")
        end = time.monotonic() + PATIENCE_S
        while acme.highest < 1 and time.monotonic() < end:
            terminal.wait_for(".")
            time.sleep(0.1)
        assert acme.peer.steps == (1,)
        terminal.type("stop\n")
        terminal.wait_for("confirmed at zero")
        assert acme.peer.steps == (0,)
        assert acme.highest == 1
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert acme.peer.complaints == []


def test_a_stop_without_an_owner_is_read_back(reader: Workstation, acme: OnALine) -> None:
    acme.peer.steps = (3,)
    done = reader.ctl("stop", "--device", f"acme:serial:{acme.port}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "confirmed at zero" in done.stdout
    assert acme.peer.steps == (0,)


def test_what_is_seen_on_the_table_is_kept_and_lets_somebody_wear_it(
    reader: Workstation, acme: OnALine
) -> None:
    device = f"acme:serial:{acme.port}"
    with Terminal(reader, "learn", "verify", "--on-bench", device) as terminal:
        terminal.wait_for("is it off now")
        terminal.type("y\n")
        answered = 0
        questions = re.compile(r"(Enter: [^\n]*?q leaves: |\[y/N\]: )")
        end = time.monotonic() + PATIENCE_S
        while terminal.process.poll() is None and time.monotonic() < end:
            asked = questions.findall(terminal.text.partition("off now?")[2])[1:]
            if len(asked) > answered:
                waits = "its own timer" in terminal.text.rpartition("\n")[2]
                terminal.type("\n" if asked[answered].startswith("Enter") or waits else "y\n")
                answered += 1
            terminal._read(0.05)
        assert terminal.wait() == 0, terminal.text
        assert "Kept for 00017, firmware 1.2" in terminal.text
    assert acme.highest == 5  # 20 %: nothing above 25 is ever sent
    assert acme.peer.complaints == []
    assert acme.peer.steps == (0,)
