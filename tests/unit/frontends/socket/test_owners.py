"""A name reaches exactly the device that it names: whole, or not at all (R6)."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import ExitCode, InputError, LinkTimeout
from massager_ctl.frontends.socket import client, owners, paths, stop
from massager_ctl.frontends.socket.owners import Card, Distrusted
from massager_ctl.runtime.ownership import Owned, owner_of
from massager_ctl.transports import runtime_folder
from massager_ctl.transports.address_identity import identity
from massager_ctl.transports.runtime_folder import ensure_runtime_dir, others_dirs, runtime_dir

PORTS = st.integers(1, 65_535)


@given(PORTS, PORTS)
def test_a_tcp_port_is_no_other_that_begins_like_it(one: int, other: int) -> None:
    card = Card(f"tcp:127.0.0.1:{one}")
    assert card.is_called(f"tcp:127.0.0.1:{other}") is (one == other)


NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text == text.strip())


@given(NAMES, NAMES)
def test_a_ble_name_is_no_other_that_holds_it(one: str, other: str) -> None:
    assume(not set("?%") & set(one + other))
    card = Card(f"ble:{one}", serial=f"S{one}", name="neck")
    assert card.is_called(f"ble:{other}") is (f"ble:{one}" == f"ble:{other}")
    assert card.is_called(f"S{other}") is (one == other)
    assert not card.is_called("nec")
    assert not card.is_called("necks")


def test_r6_a_port_named_from_another_folder_is_the_one_of_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("owner", "client"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "owner")
    card = Card(identity("serial:./port"), "serial:./port")
    monkeypatch.chdir(tmp_path / "client")
    assert not card.is_called("serial:./port"), "its own ./port is another device"
    assert card.is_called("serial:../owner/port")


@pytest.mark.parametrize(
    ("given_address", "said"),
    [
        ("ble:aa:bb:cc:dd:ee:0f", "BLE:AA:BB:CC:DD:EE:0F"),
        ("ble:AA:BB:CC:DD:EE:0F?hci=tcp:127.0.0.1:1", "ble:aa:bb:cc:dd:ee:0f?hci=tcp:127.0.0.1:1"),
        ("ble:Ger%C3%A4t", "ble:Ger\u00e4t"),
        ("tcp:LOCALHOST:7777", "tcp:localhost:07777"),
        ("tcp:localhost:7777", "tcp:127.0.0.1:7777"),
        ("serial:/dev/../dev/ttyUSB0", "serial:/dev/ttyUSB0"),
        ("serial:rfc2217://host:1", "serial:rfc2217://host:1"),
        ("sim:?battery=12", "sim:"),
        ("sim:?battery=12", "sim:?battery=12"),
    ],
)
def test_one_address_may_be_written_in_several_ways(given_address: str, said: str) -> None:
    assert Card(identity(given_address), given_address).is_called(said)


@pytest.mark.parametrize(
    ("given_address", "said"),
    [
        ("ble:Massager", "ble:massager"),
        ("ble:Massager", "ble:Massager 2"),
        ("tcp:127.0.0.1:44710", "tcp:127.0.0.1:4471"),
        ("tcp:127.0.0.1:4471", "127.0.0.1:4471"),
        ("serial:/dev/ttyUSB10", "serial:/dev/ttyUSB1"),
        ("serial:/dev/ttyUSB1", "/dev/ttyUSB1"),
        ("sim:?battery=12", "sim:?battery=1"),
        ("sim:", "sim:?battery=1"),
        ("sim:", ""),
        ("sim:", " "),
    ],
)
def test_what_is_not_the_whole_name_is_no_name(given_address: str, said: str) -> None:
    card = Card(identity(given_address), given_address, serial="SIM-10", name="neck-left")
    assert not card.is_called(said)
    assert not card.is_called("SIM-1")
    assert not card.is_called("neck")


def test_a_serial_number_that_looks_like_an_address_names_nothing() -> None:
    card = Card("tcp:127.0.0.1:1", serial="tcp:127.0.0.1:2")
    assert not card.is_called("tcp:127.0.0.1:2")


def test_a_link_and_its_port_are_one_device_as_long_as_they_are(tmp_path: Path) -> None:
    for number in (0, 1):
        (tmp_path / f"ttyUSB{number}").touch()
    link = tmp_path / "by-id"
    link.symlink_to("ttyUSB0")
    given_address = f"serial:{link}"
    held = Card(identity(given_address), given_address, port=f"serial:{tmp_path}/ttyUSB0")
    assert held.is_called(given_address)
    assert held.is_called(f"serial:{tmp_path}/ttyUSB0")
    assert not held.is_called(f"serial:{tmp_path}/ttyUSB1")
    # The link leads elsewhere now, and the program holds the port that it opened.
    link.unlink()
    link.symlink_to("ttyUSB1")
    assert not held.is_called(f"serial:{tmp_path}/ttyUSB1")
    # With the link down it is wherever the link leads.
    free = Card(held.identity, given_address)
    assert free.is_called(f"serial:{tmp_path}/ttyUSB1")
    assert not free.is_called(f"serial:{tmp_path}/ttyUSB0")


@pytest.fixture
def listening(runtime: Path) -> Generator[dict[str, socket.socket]]:
    """Sockets of two owners that have just begun, and their cards."""
    ensure_runtime_dir()
    with ExitStack() as stack:
        found: dict[str, socket.socket] = {}
        for number in (4471, 44710):
            address = f"tcp:127.0.0.1:{number}"
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.bind(paths.socket_path(address))
            owners.write_card(
                paths.socket_path(address), Card(address, serial=f"SIM-{number}", name=f"n{number}")
            )
            found[address] = sock
        for sock in found.values():
            sock.listen()
        yield found


def named(name: str) -> list[str]:
    found = client.open_owners(name)
    for owner in found:
        owner.close()
    return [owner.card.identity for owner in found]


def test_owners_are_found_by_each_whole_name(listening: dict[str, socket.socket]) -> None:
    for name in ("tcp:127.0.0.1:4471", "SIM-4471", "n4471"):
        assert named(name) == ["tcp:127.0.0.1:4471"]
    for name in ("4471", "tcp:127.0.0.1:447", "SIM-447", "n447", "sim-4471", "127.0.0.1"):
        assert named(name) == []
    assert len(named("")) == 2
    near = client.resembling("4471")
    assert [owner.card.serial for owner in near] == ["SIM-4471", "SIM-44710"]
    assert client.resembling("tcp:127.0.0.1:447") == []
    for owner in near:
        owner.close()


def test_a_request_carries_the_serial_number(listening: dict[str, socket.socket]) -> None:
    for name, carried in (("n4471", "SIM-4471"), ("tcp:127.0.0.1:44710", "SIM-44710")):
        (owner,) = client.open_owners(name)
        with owner, listening[owner.card.identity].accept()[0] as peer:
            owner.send({"request": "pause"})
            request = json.loads(peer.recv(4096))
            assert (request["request"], request["device"]) == ("pause", carried)


def test_an_answer_about_another_device_is_none(listening: dict[str, socket.socket]) -> None:
    (owner,) = client.open_owners("n4471")
    with owner, listening[owner.card.identity].accept()[0] as peer:
        other = Card("tcp:127.0.0.1:44710").document()
        peer.sendall(json.dumps({"ok": True, "device": other}).encode() + b"\n")
        with pytest.raises(client.NoAnswer, match="another device"):
            owner.receive(1.0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"serial": 7}', b"[" * 20_000, b"\xff"])
def test_a_card_that_makes_no_sense_gives_no_name(runtime: Path, content: bytes) -> None:
    ensure_runtime_dir()
    path = paths.socket_path("sim:1")
    Path(paths.card_path(path)).write_bytes(content)
    card = owners.read_card(path)
    assert (card.identity, card.serial, card.name) == ("sim_1", "", "")


def test_a_card_that_is_a_pipe_keeps_nobody_waiting(runtime: Path) -> None:
    ensure_runtime_dir()
    path = paths.socket_path("sim:1")
    os.mkfifo(paths.card_path(path))
    assert owners.read_card(path).identity == "sim_1"


# Whom to trust.


def test_a_folder_of_somebody_else_is_not_believed(
    listening: dict[str, socket.socket], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.raises(Distrusted, match="belongs to another user"):
        client.open_owners()


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_is_not_believed(
    listening: dict[str, socket.socket],
    runtime: Path,
    mode: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(runtime.parent / "none"))
    runtime.chmod(mode)
    assert stop.stop_quickly([]) is None
    assert run_command_line(["stop"]) == ExitCode.LINK
    assert "can be written by others" in capsys.readouterr().err
    for command in ("pause", "status"):
        assert run_command_line([command]) == ExitCode.USAGE
        assert "cannot be trusted" in capsys.readouterr().err


def test_a_folder_that_is_a_link_is_not_believed(
    listening: dict[str, socket.socket], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = runtime.with_name("link")
    link.symlink_to(runtime)
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(link))
    with pytest.raises(Distrusted):
        client.open_owners()
    with pytest.raises(PermissionError):
        ensure_runtime_dir()


def test_root_never_makes_its_folder_in_that_of_a_user(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the user could not listen there afterwards."""
    root = os.getuid() + 1
    monkeypatch.setattr(runtime_folder, "_ROOT", root)
    monkeypatch.setattr(os, "getuid", lambda: root)
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_folder))
    monkeypatch.setenv("TMPDIR", str(short_folder))
    assert not runtime_dir().startswith(f"{short_folder}/massager-ctl/")
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(short_folder / "run"))
    with pytest.raises(PermissionError, match="lock out"):
        ensure_runtime_dir()
    assert not (short_folder / "run").exists()


def test_root_sees_the_owners_of_other_users(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = os.getuid() or 1000
    users, temporary = short_folder / "users", short_folder / "tmp"
    for folder in (users / str(user) / "massager-ctl", temporary / f"massager-ctl-{user}"):
        folder.mkdir(parents=True, mode=0o700)
        if os.getuid() == 0:
            os.chown(folder, user, -1)
    (temporary / f"massager-ctl-{user + 1}").mkdir(mode=0o700)  # it belongs to another
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME", raising=False)
    assert os.getuid() == 0 or others_dirs(str(users), str(temporary)) == []
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert others_dirs(str(users), str(temporary)) == [
        f"{users}/{user}/massager-ctl",
        f"{temporary}/massager-ctl-{user}",
    ]


# An owner with no room for one more.


def crowded(address: str, sock: socket.socket) -> list[socket.socket]:
    """A full queue, as of an owner that is frozen while many wait."""
    waiting: list[socket.socket] = []
    sock.listen(0)
    while True:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(paths.socket_path(address))
        except BlockingIOError:
            one.close()
            return waiting
        waiting.append(one)


def test_a_full_queue_is_a_stop_that_is_not_confirmed(
    listening: dict[str, socket.socket],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stop, "STOP_WAIT_S", 0.2)
    monkeypatch.setattr(client, "DIAL_S", 0.05)
    address = "tcp:127.0.0.1:4471"
    waiting = crowded(address, listening[address])
    try:
        answers = stop.stop_all(client.open_owners(address), wait_s=0.1)
        assert [answer["error"]["code"] for answer in answers] == ["stop_unconfirmed"]
        for command in (["stop", address], ["stop", "--device", "SIM-4471", "--json"]):
            assert run_command_line(command) == ExitCode.UNCONFIRMED
        assert run_command_line(["set", "all", "1", "--device", address]) == ExitCode.LINK
        with pytest.raises(LinkTimeout, match="no more connections"):
            owner_of(address)
    finally:
        for one in waiting:
            one.close()
    assert "owns a device" not in capsys.readouterr().err


def test_a_stop_gets_in_as_soon_as_there_is_room(listening: dict[str, socket.socket]) -> None:
    address = "tcp:127.0.0.1:4471"
    waiting = crowded(address, listening[address])
    asked: list[bytes] = []

    def thaw() -> None:
        for _ in range(len(waiting) + 1):
            peer, _ = listening[address].accept()
            with peer:
                if line := peer.recv(4096):
                    asked.append(line)
                    peer.sendall(b'{"ok":true}\n')

    found = client.open_owners(address)
    for one in waiting:
        one.close()
    thread = threading.Thread(target=thaw)
    thread.start()
    answers = stop.stop_all(found, wait_s=10.0)
    thread.join()
    assert answers == [{"ok": True}]
    assert json.loads(asked[0])["request"] == "stop"


def test_the_owner_is_found_by_any_of_its_names(listening: dict[str, socket.socket]) -> None:
    found = owner_of("n44710")
    assert isinstance(found, Owned)
    assert found.address == "tcp:127.0.0.1:44710"
    assert owner_of("tcp:127.0.0.1:447") is None
    assert owner_of("sim:") is None
    owners.write_card(
        paths.socket_path("tcp:127.0.0.1:4471"), Card("tcp:127.0.0.1:4471", serial="SIM-44710")
    )
    with pytest.raises(InputError, match="several devices"):
        owner_of("SIM-44710")


def test_a_short_form_stops_and_confirms_nothing(
    listening: dict[str, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it is the device that was meant, only the person can see."""
    asked: list[str] = []

    def answer(sock: socket.socket) -> None:
        peer, _ = sock.accept()
        with peer:
            asked.append(json.loads(peer.recv(4096))["device"])
            peer.sendall(b'{"ok":true}\n')

    threads = [threading.Thread(target=answer, args=(sock,)) for sock in listening.values()]
    for thread in threads:
        thread.start()
    assert run_command_line(["stop", "4471"]) == ExitCode.UNCONFIRMED
    for thread in threads:
        thread.join()
    said = capsys.readouterr()
    assert sorted(asked) == ["SIM-4471", "SIM-44710"]
    assert "confirmed at zero" not in said.out
    assert said.err.count("only you can see") == 2


@pytest.mark.parametrize(
    "command", [["set", "all", "1"], ["ease"], ["pause"], ["resume"], ["reset"], ["ready"]]
)
def test_a_short_form_acts_on_nothing(
    listening: dict[str, socket.socket], command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*command, "--device", "n447"]) == ExitCode.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "is the whole name of no device in use" in said
    assert "SIM-44710" in said
