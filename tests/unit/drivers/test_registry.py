"""Whatever a package of someone else does when it is looked at, it is one clear error, and the others work."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.drivers.test_described import GOOD

from massager_ctl.drivers import registry
from massager_ctl.drivers.described.driver import spec_of
from massager_ctl.drivers.described.encoding import Encoding, wrap
from massager_ctl.drivers.described.load import load_text
from massager_ctl.drivers.dialect import Dialect
from massager_ctl.drivers.registry import installed, links_of, spec_for
from massager_ctl.errors import AddressError, DescriptionError, DriverFault, InputError
from massager_ctl.testing.peers import peer_for


class Site:
    """A folder of packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, code: str, points: str) -> None:
        (self.folder / f"{name}.py").write_text(code)
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(points)
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith("made_up"):
            del sys.modules[name]


IMPORTS = "from tests.support.ascii_massager import ASCII, AsciiPeer\n"
POINT = "[massager_ctl.drivers]\n{0} = made_up_{0}:{1}\n"


@pytest.mark.parametrize(
    ("code", "what", "said"),
    [
        ("1/0", "X", "cannot be loaded: ZeroDivisionError"),
        ("raise SystemError('no')", "X", "cannot be loaded: SystemError: no"),
        ("", "X", "cannot be loaded: AttributeError"),
        ("X = 3", "X", "a int and no DriverSpec"),
        (IMPORTS + "X = ASCII", "X", "is the driver 'ascii'"),
    ],
)
def test_a_package_that_fails_is_one_error_and_the_others_work(
    site: Site, tmp_path: Path, code: str, what: str, said: str
) -> None:
    site.add("made_up_acme", code, POINT.format("acme", what))
    with pytest.raises(DriverFault, match=said):
        spec_for("acme", tmp_path)
    assert spec_for("tcode", tmp_path).scheme == "tcode"
    assert {one.scheme: one.source for one in installed(tmp_path)}["acme"] == "made_up_acme 1.0"


def test_a_driver_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="no driver is called 'acme'") as caught:
        spec_for("acme", tmp_path)
    assert ", ".join(one.scheme for one in installed(tmp_path)) in caught.value.remedy


def test_where_no_driver_is_installed_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: ())
    with pytest.raises(AddressError) as caught:
        spec_for("acme", tmp_path)
    assert "Installed are: none." in caught.value.remedy


def test_two_of_one_name_are_told_and_neither_is_used(site: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        site.add(
            f"made_up_{name}", IMPORTS, f"[massager_ctl.drivers]\nascii = made_up_{name}:ASCII\n"
        )
    with pytest.raises(DriverFault, match=r"made_up_one 1\.0 and made_up_two 1\.0"):
        spec_for("ascii", tmp_path)


def test_a_package_of_descriptions(site: Site, tmp_path: Path) -> None:
    package = tmp_path / "made_up_shelf"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "demo.yaml").write_text(GOOD)
    (package / "torn.yaml").write_text(GOOD[:200])
    points = "[massager_ctl.descriptions]\nshelf = made_up_shelf\nbroken = made_up_none\n"
    site.add("made_up_info", "", points)
    found = {one.scheme: one for one in installed(tmp_path / "nothing")}
    assert "__init__" not in found
    assert found["demo"].spec is not None
    assert found["broken"].problem is not None
    assert found["torn"].spec is None
    assert found["torn"].source == str(package / "torn.yaml")
    with pytest.raises(DescriptionError):
        raise found["torn"].problem or AssertionError
    assert "descriptions of made_up_info 1.0 cannot be read" in found["broken"].problem.message


def test_a_peer_that_fails_is_told(site: Site) -> None:
    site.add(
        "made_up_peer", "def Bad(): 1/0", "[massager_ctl.driver_peers]\nbad = made_up_peer:Bad\n"
    )
    with pytest.raises(DriverFault, match="peer of 'bad' cannot be made: ZeroDivisionError"):
        peer_for("bad")
    with pytest.raises(InputError, match="brings no simulated peer"):
        peer_for("none")


def test_a_description_that_is_not_sure_is_not_driven() -> None:
    text = GOOD + "unsure: [{part: stop, why: seen once}]\n"
    with pytest.raises(DriverFault, match="not sure of itself is not driven: stop"):
        spec_of(load_text(text, "demo.yaml"), Path("demo.yaml"))


SERIAL = """
description: 1
id: on-a-line
title: On a line
find: {name: "Line"}
link: {kind: serial, baud: 9600}
border: {encoding: slip}
frames: {set: "AA {level}", time: "CC {timer}", state: "BB {level}"}
levels: [{level: 1, percent: 5, value: "C0"}, {level: 4, percent: 10, value: "04"}]
stop: {value: "00", confirmed_by: state}
state: {frame: state, levels: [{level: 0, value: "00"}, {level: 1, value: "C0"}, {level: 4, value: "04"}]}
timer: {send: [time], steps: [{minutes: 5, value: "05"}, {minutes: 10, value: "0A"}]}
zones: [trapezius_left]
bench_only: false
golden:
  - {bytes: "C0 AA DB DC C0", is: set, value: "C0"}
  - {bytes: "C0 BB 00 C0", is: state, value: "00"}
  - {bytes: "C0 CC 05 C0", is: time, timer: "05"}
sources: [{what: a test, sure: from documents, by: Ann}]
"""


def test_a_described_device_on_a_stream() -> None:
    spec = spec_of(load_text(SERIAL, "line.yaml"), Path("line.yaml"))
    assert (spec.baud, spec.timer_min, spec.confirmed_by) == (9600, (5.0, 10.0), "Ann")
    assert spec.assurance.own_timer
    dialect = spec.dialect()
    assert dialect.start(0.0) == []
    assert dialect.levels((1,), 0.0) == [b"\xc0\xaa\xdb\xdc\xc0"]
    assert dialect.levels((2,), 0.0) == [b"\xc0\xaa\x04\xc0"]
    assert dialect.levels((0,), 0.0) == dialect.stop(0.0) == [b"\xc0\xaa\x00\xc0"]
    assert dialect.timer(10.0, 0.0) == [b"\xc0\xcc\x0a\xc0"]
    assert dialect.timer(7.0, 0.0) == []
    assert dialect.due(1.0) == []
    assert dialect.next_due() is None
    # A state frame among noise, in pieces, escaped and not; the newest counts.
    noise = b"\x01\xc0\xbb"
    assert dialect.feed(noise, 0.0) is None
    assert dialect.feed(b"\xdb\xdc\xc0", 0.0) == (1,)
    assert dialect.feed(b"\xc0\xbb\x04\xc0\xc0\xbb\x00\xc0", 0.0) == (0,)
    assert dialect.feed(b"\xc0\xbb\x07\xc0", 0.0) is None


def test_of_two_of_one_name_no_other_is_accused(site: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        site.add(
            f"made_up_{name}", IMPORTS, f"[massager_ctl.drivers]\nascii = made_up_{name}:ASCII\n"
        )
    with pytest.raises(DriverFault) as caught:
        spec_for("ascii", tmp_path)
    accused = caught.value.message.partition(": ")[2]
    assert accused == "made_up_one 1.0 and made_up_two 1.0"


def test_the_links_of_a_driver_are_those_that_it_names() -> None:
    assert links_of(spec_of(load_text(GOOD, "demo.yaml"), Path("demo.yaml"))) == "ble"


def on_a_line(*changes: tuple[str, str]) -> Dialect:
    text = SERIAL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return spec_of(load_text(text, "line.yaml"), Path("line.yaml")).dialect()


RAW = (
    ("border: {encoding: slip}\n", ""),
    ("C0 AA DB DC C0", "AA C0"),
    ("C0 BB 00 C0", "BB 00"),
    ("C0 CC 05 C0", "CC 05"),
)


def test_a_state_on_a_bare_stream_is_found_wherever_it_begins() -> None:
    dialect = on_a_line(*RAW)
    assert dialect.feed(b"\x01\xbb", 0.0) is None
    assert dialect.feed(b"\xc0\xbb", 0.0) == (1,)
    assert dialect.feed(b"\x04", 0.0) == (2,)


def test_a_state_on_a_stream_is_as_long_as_one_that_was_seen() -> None:
    longer = ('{level: 4, value: "04"}]}\ntimer', '{level: 4, value: "04 04"}]}\ntimer')
    set_seen = (('set: "AA {level}"', 'set: "AA {level} 00"'), ("AA C0", "AA C0 00"))
    dialect = on_a_line(*RAW, longer, *set_seen)
    assert dialect.feed(b"\xbb\x04\x04", 0.0) is None
    assert dialect.feed(b"\xbb\xc0", 0.0) == (1,)


def test_a_state_that_was_never_seen_is_not_looked_for_on_a_stream() -> None:
    dialect = on_a_line(('  - {bytes: "C0 BB 00 C0", is: state, value: "00"}\n', ""))
    assert dialect.feed(b"\xc0\xbb\x00\xc0", 0.0) is None


BORDERS = {
    "slip": (),
    "hdlc": (
        ("encoding: slip", "encoding: hdlc"),
        ("C0 AA DB DC C0", "7E AA C0 7E"),
        ("C0 BB 00 C0", "7E BB 00 7E"),
        ("C0 CC 05 C0", "7E CC 05 7E"),
    ),
    "cobs": (
        ("encoding: slip", "encoding: cobs"),
        ("C0 AA DB DC C0", "03 AA C0 00"),
        ("C0 BB 00 C0", "02 BB 01 00"),
        ("C0 CC 05 C0", "03 CC 05 00"),
    ),
}


@pytest.mark.parametrize("encoding", BORDERS)
def test_r6_garbage_without_end_holds_nothing_up_and_the_state_behind_it_is_read(
    encoding: str,
) -> None:
    # Long frames, as a device with a display sends them: each byte once meant a look at every length from 204 on.
    content = "BB {level}" + " ??" * 200
    seen = wrap(b"\xbb\x00" + bytes(range(200)), Encoding(encoding))
    golden = next(new for _, new in (*BORDERS[encoding], ("", "C0 BB 00 C0")) if "BB" in new)
    dialect = on_a_line(
        *BORDERS[encoding], ('state: "BB {level}"', f'state: "{content}"'), (golden, seen.hex(" "))
    )
    began = time.process_time()
    for one in (b"\x55", b"\xc0", b"\x7e", b"\x00", b"\x55\xc0\x7e\x00"):
        assert dialect.feed((one * 2048)[:2048], 0.0) is None
    assert time.process_time() - began < 0.2
    dialect.feed(seen[-1:], 0.0)
    assert dialect.feed(seen, 0.0) == (0,)


@pytest.mark.parametrize(("encoding", "border"), [("slip", b"\xc0"), ("hdlc", b"\x7e")])
def test_one_border_between_two_states_ends_the_one_and_begins_the_other(
    encoding: str, border: bytes
) -> None:
    dialect = on_a_line(*BORDERS[encoding])
    assert dialect.feed(b"\xbb\x04" + border, 0.0) is None, "the end of a frame is none"
    assert dialect.feed(b"\xbb\x04" + border, 0.0) == (2,)
    assert dialect.feed(b"\xbb\x00" + border, 0.0) == (0,)
