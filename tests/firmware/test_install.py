"""Firmware onto a board, end to end: a real raw REPL on a real littlefs, and a cable that is pulled at each step."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import tty
from pathlib import Path
from typing import Any

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import FirmwareError, LinkError, LinkTimeout
from massager_ctl.flash.boards import find_board
from massager_ctl.flash.build import build
from massager_ctl.flash.info import BoardInfo, read_info
from massager_ctl.flash.install import install
from massager_ctl.flash.manifest import Build
from massager_ctl.flash.repl import open_repl
from tests.firmware.unix_board import UnixBoard, needs_micropython, unix_board

pytestmark = needs_micropython


def unix_sources(folder: Path) -> Path:
    """The files of the pico_w, described as what the unix port is."""
    folder = Path(shutil.copytree(find_board("pico_w").folder, folder / "board"))
    described: dict[str, Any] = json.loads((folder / "board.json").read_text())
    described |= {"arch": "x64", "platform": "linux", "machines": ["linux"]}
    (folder / "board.json").write_text(json.dumps(described))
    return folder


def built(folder: Path, name: str = "Massager") -> Build:
    """A build for the unix port; another name of the device makes another build."""
    folder.mkdir()
    sources = find_board(str(unix_sources(folder)))
    pins = folder / "pins.py"
    pins.write_text(sources.pins.read_text().replace('NAME = "Massager"', f'NAME = "{name}"'))
    return build(sources, pins, folder / "out")[0]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Build]:
    folder = tmp_path_factory.mktemp("builds")
    return built(folder / "first", "First"), built(folder / "second", "Second")


def put(board: UnixBoard, made: Build) -> list[str]:
    steps: list[str] = []
    with open_repl(board.port) as repl:
        install(repl, made, steps.append)
    return steps


def look(board: UnixBoard) -> BoardInfo:
    with open_repl(board.port) as repl:
        return read_info(repl)


def active(board: UnixBoard) -> str:
    """The pointer file as it is on the board."""
    with open_repl(board.port) as repl:
        repl.run("try:\n _t=open('/active').read()\nexcept OSError:\n _t=''")
        return str(repl.value("_t"))


def test_a_new_board_and_then_the_other_slot(tmp_path: Path, builds: tuple[Build, Build]) -> None:
    first, second = builds
    with unix_board(tmp_path / "flash") as board:
        empty = look(board)
        assert (empty.slot, empty.sound) == (None, False)
        steps = put(board, first)
        assert steps[0] == "make room"
        assert steps[-4:] == ["main.py", "boot.py", "switch over", "done"]
        assert set(steps) > set(first.files)
        info = look(board)
        assert (info.slot, info.sound, info.board) == ("slot_a", True, "pico_w")
        assert active(board) == f"slot_a {first.digest}\n"
        put(board, second)
        info = look(board)
        assert (info.slot, info.sound) == ("slot_b", True)
        assert info.version == second.manifest.version
        put(board, first)
        assert active(board) == f"slot_a {first.digest}\n"


def steps_of(made: Build) -> list[str]:
    return ["make room", *made.files, "manifest.json", *made.root, "switch over"]


@pytest.mark.parametrize("at", [0, 1, 4, -6, -5, -4, -3, -2, -1])
def test_a_cable_pulled_at_a_step_leaves_what_was_there(
    tmp_path: Path, builds: tuple[Build, Build], at: int
) -> None:
    first, second = builds
    flash = tmp_path / "flash"
    with unix_board(flash) as board:
        put(board, first)
        with open_repl(board.port) as repl:
            repl.run("_f=open('/bonds','w')\n_f.write('kept')\n_f.close()")
    step = steps_of(second)[at]
    with unix_board(flash) as board:

        def pull(name: str) -> None:
            if name == step:
                board.pull_cable()

        with open_repl(board.port) as repl, pytest.raises(LinkError) as caught:
            install(repl, second, pull)
        assert "boots what it booted before" in caught.value.message
    with unix_board(flash) as board:
        info = look(board)
        assert (info.slot, info.sound) == ("slot_a", True)
        assert active(board) == f"slot_a {first.digest}\n"
        put(board, second)
        assert active(board) == f"slot_b {second.digest}\n"
        assert look(board).sound
        with open_repl(board.port) as repl:
            assert repl.value("open('/bonds').read()") == "kept"


def test_a_full_file_system_is_told_before_anything_is_written(
    tmp_path: Path, builds: tuple[Build, Build]
) -> None:
    first, second = builds
    with unix_board(tmp_path / "flash") as board:
        put(board, first)
        with open_repl(board.port) as repl:
            size, free = repl.value("(os.statvfs('/')[1], os.statvfs('/')[4])")
            repl.run(
                "_f=open('/own.bin','wb')\n"
                f"for _ in range({free - 8}):\n _f.write(bytes({size}))\n_f.close()"
            )
        with open_repl(board.port) as repl, pytest.raises(FirmwareError, match="KiB left") as error:
            install(repl, second, lambda _: None)
        assert "Remove files of your own" in error.value.remedy
        info = look(board)
        assert (info.slot, info.sound) == ("slot_a", True)


def test_a_file_system_that_fills_up_on_the_way(
    tmp_path: Path, builds: tuple[Build, Build]
) -> None:
    first, second = builds
    with unix_board(tmp_path / "flash") as board:
        put(board, first)
        with open_repl(board.port) as repl:

            def fill(name: str) -> None:
                if name == "manifest.json":
                    repl.run(
                        "try:\n"
                        " for _n in range(999):\n"
                        "  _b=open('/own%d' % _n,'wb')\n"
                        "  _b.write(bytes(4096))\n"
                        "  _b.close()\n"
                        "except OSError: pass"
                    )

            with pytest.raises(FirmwareError, match="file system is full; it boots what it booted"):
                install(repl, second, fill)
        assert active(board) == f"slot_a {first.digest}\n"
        assert look(board).sound


def test_a_damaged_file_on_the_board_is_seen(tmp_path: Path, builds: tuple[Build, Build]) -> None:
    with unix_board(tmp_path / "flash") as board:
        put(board, builds[0])
        with open_repl(board.port) as repl:
            repl.run("_f=open('/slot_a/pins.mpy','ab')\n_f.write(b'x')\n_f.close()")
        assert not look(board).sound


def test_another_board_gets_nothing(tmp_path: Path) -> None:
    sources = find_board("pico_w")
    made, _ = build(sources, sources.pins, tmp_path / "out")
    with unix_board(tmp_path / "flash") as board, open_repl(board.port) as repl:
        with pytest.raises(
            FirmwareError, match="this firmware is for 'pico_w', and the board says"
        ):
            install(repl, made, lambda _: None)
        assert repl.value("os.listdir('/')") == []


def test_another_processor_gets_nothing(tmp_path: Path) -> None:
    folder = unix_sources(tmp_path)
    described: dict[str, Any] = json.loads((folder / "board.json").read_text())
    (folder / "board.json").write_text(json.dumps(described | {"arch": "armv6m"}))
    sources = find_board(str(folder))
    made, _ = build(sources, sources.pins, tmp_path / "out")
    with unix_board(tmp_path / "flash") as board, open_repl(board.port) as repl:
        with pytest.raises(
            FirmwareError, match="compiled for armv6m, format 6, and the board takes x64"
        ):
            install(repl, made, lambda _: None)
        assert repl.value("os.listdir('/')") == []


def test_an_old_micropython_gets_nothing(tmp_path: Path, builds: tuple[Build, Build]) -> None:
    folder = unix_sources(tmp_path)
    described: dict[str, Any] = json.loads((folder / "board.json").read_text())
    (folder / "board.json").write_text(json.dumps(described | {"oldest": [9, 1]}))
    sources = find_board(str(folder))
    made, _ = build(sources, sources.pins, tmp_path / "out")
    with (
        unix_board(tmp_path / "flash") as board,
        open_repl(board.port) as repl,
        pytest.raises(FirmwareError, match=r"and this needs 9\.1 or later; nothing was written"),
    ):
        install(repl, made, lambda _: None)


def test_a_port_that_answers_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = built(tmp_path / "made")
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        port = os.ttyname(slave)
        assert run_command_line(["firmware", "install", "--port", port, str(made.folder)]) == 4
    finally:
        os.close(master)
        os.close(slave)
    shown = capsys.readouterr()
    assert f"nothing at {port} answers as a board does" in shown.err
    assert "hold its button" in " ".join(shown.err.split())
    assert "Traceback" not in shown.err


def test_a_device_that_runs_and_talks_its_protocol() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    done = threading.Event()

    def talk() -> None:
        while not done.wait(0.1):
            os.write(master, b"\x04\x02\x82\x02\x01\x01\x01\x01\x02\x10\x06\xa6\x91\x43\x00")

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        with pytest.raises(LinkTimeout, match="answers as a board"), open_repl(os.ttyname(slave)):
            pass
    finally:
        done.set()
        thread.join()
        os.close(master)
        os.close(slave)


def test_the_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = unix_sources(tmp_path)
    out = str(tmp_path / "out")
    with unix_board(tmp_path / "flash") as board:
        assert run_command_line(["firmware", "build", "--board", str(folder), "-o", out]) == 0
        assert run_command_line(["firmware", "install", "--port", board.port, out]) == 0
        assert "every hash compared" in capfd.readouterr().out
    with unix_board(tmp_path / "flash") as board:
        assert run_command_line(["firmware", "info", "--port", board.port]) == 0
        shown = capfd.readouterr().out
        assert "for pico_w, in slot_a: every hash is right" in shown
        assert run_command_line(["firmware", "info", "--port", board.port, "--json"]) == 0
        assert json.loads(capfd.readouterr().out)["sound"] is True
    assert run_command_line(["firmware", "info", "--port", str(tmp_path / "no-port")]) == 4
    assert "there is no port" in capfd.readouterr().err


def test_a_build_that_was_changed_is_not_installed(tmp_path: Path) -> None:
    made = built(tmp_path / "made")
    (made.folder / "slot" / "pins.mpy").write_bytes(b"M")
    with pytest.raises(FirmwareError, match="is not what was built"):
        Build(made.folder)
    with pytest.raises(FirmwareError, match="is not firmware"):
        Build(tmp_path)


def test_mpremote_itself_agrees(tmp_path: Path, builds: tuple[Build, Build]) -> None:
    """The board is one for mpremote's own command line too."""
    with unix_board(tmp_path / "flash") as board:
        put(board, builds[0])
        listed = subprocess.run(
            ["mpremote", "connect", board.port, "resume", "fs", "ls", "/slot_a"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
    assert "manifest.json" in listed.stdout
