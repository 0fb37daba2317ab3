"""The conformance suite passes sound drivers, and finds each of these mistakes by the check that is made for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer

from massager_ctl.drivers.dialect import DriverSpec, LevelsAre
from massager_ctl.drivers.registry import installed, spec_for
from massager_ctl.errors import AddressError, DriverFault, InputError
from massager_ctl.safety.assurance import Assurance, Confirmation, DeadMan, OnDisconnect
from massager_ctl.testing.drivers import CHECKS, check_driver
from massager_ctl.testing.peers import peer_for


def problems(spec: DriverSpec, peer: Callable[[], Any] = AsciiPeer) -> dict[str, str]:
    return {one.name: one.problem for one in check_driver(spec, peer) if one.problem}


def test_a_sound_driver_passes_every_check() -> None:
    findings = check_driver(ASCII, AsciiPeer)
    assert len(findings) == len(CHECKS)
    assert [one for one in findings if one.problem] == []
    assert all(one.what for one in findings)


def test_tcode_passes_against_the_peer_that_was_written_from_the_public_text() -> None:
    assert problems(spec_for("tcode"), peer_for("tcode")) == {}
    spec = spec_for("tcode")
    assert spec.bench_only
    assert spec.confirmed_by == ""


class WrongStep(AsciiDialect):
    def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
        return super().levels((min(steps[0] + 1, 6) if steps[0] else 0,), now)


class NoStop(AsciiDialect):
    def stop(self, now: float) -> Sequence[bytes]:
        return [b"L1\n"]


class Toggle(AsciiDialect):
    def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
        return [b"OFF\n"]


class MovesAtOnce(AsciiDialect):
    def start(self, now: float) -> Sequence[bytes]:
        return [b"WHO\n", b"L1\n"]


class Nonsense(AsciiDialect):
    every_s = 1.0

    def alive(self, now: float) -> Sequence[bytes]:
        return [b"PING\n"]


class Frail(AsciiDialect):
    def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
        data.decode("ascii")
        return super().feed(data, now)


@pytest.mark.parametrize(
    ("dialect", "check"),
    [
        (WrongStep, "every level is what it says"),
        (NoStop, "a stop stops"),
        (Toggle, "a stop is no level"),
        (MovesAtOnce, "opening moves nothing"),
        (Nonsense, "a level is held"),
        (Frail, "garbage is borne"),
    ],
)
def test_a_mistake_is_found_by_its_check(dialect: Any, check: str) -> None:
    assert check in problems(msgspec.structs.replace(ASCII, dialect=dialect))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"assurance": Assurance(stop=Confirmation.NOTHING)}, "what confirms"),
        ({"assurance": Assurance(dead_man=DeadMan.OWN, stop=Confirmation.STATE)}, "silence"),
        ({"timer_min": (5.0,)}, "the timer"),
        ({"ends_frame": b""}, ""),
        ({"levels_are": LevelsAre.TOGGLED}, "spec"),
    ],
)
def test_a_declaration_that_does_not_hold_is_found(change: dict[str, Any], check: str) -> None:
    found = problems(msgspec.structs.replace(ASCII, **change))
    assert any(name.startswith(check) for name in found) or not check


def test_a_stop_that_is_not_read_back_is_found() -> None:
    found = problems(ASCII, lambda: AsciiPeer(mute=True))
    assert "what confirms a stop is what was reported" in found


def test_a_peer_that_runs_on_is_found_where_the_driver_says_that_it_stops() -> None:
    class RunsOn(AsciiPeer):
        def link_down(self, now: float) -> None:
            pass

    spec = msgspec.structs.replace(
        ASCII, assurance=Assurance(on_disconnect=OnDisconnect.STOPS, stop=Confirmation.STATE)
    )
    assert list(problems(spec, RunsOn)) == ["silence and leaving do what is declared"]


def test_a_peer_that_fails_is_told_as_such() -> None:
    def broken() -> AsciiPeer:
        raise OSError("no")

    assert all("the peer failed: OSError: no" in text for text in problems(ASCII, broken).values())
    with pytest.raises(InputError, match="brings no simulated peer"):
        peer_for("nobody")


def test_who_is_not_installed_is_told_with_what_is() -> None:
    assert "tcode" in [one.scheme for one in installed()]
    with pytest.raises(AddressError, match=r"no driver is called 'acme'[\s\S]*tcode"):
        spec_for("acme")


def test_a_description_of_the_users_folder_is_a_driver(tmp_path: Any) -> None:
    from tests.unit.drivers.test_described import GOOD

    (tmp_path / "demo.yaml").write_text(GOOD)
    (tmp_path / "broken.yaml").write_text("description: 1\n")
    found = {one.scheme: one for one in installed(tmp_path)}
    assert found["broken"].spec is None
    assert found["broken"].problem is not None
    demo = next(one for one in found.values() if one.source.endswith("demo.yaml"))
    assert demo.spec is not None
    (tmp_path / "again.yaml").write_text(GOOD)
    with pytest.raises(DriverFault, match="several drivers called"):
        spec_for(demo.scheme, tmp_path)


def test_a_description_is_checked_against_a_peer_made_of_its_frames(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner
    from tests.unit.drivers.test_registry import SERIAL

    from massager_ctl.cli.drivers import drivers
    from massager_ctl.config import ENV_CONFIG

    monkeypatch.setenv(ENV_CONFIG, str(tmp_path / "config.toml"))
    (tmp_path / "devices").mkdir()
    state = '  - {{bytes: "C0 BB {0} C0", is: state, value: "{1}"}}\n'
    states = state.format("DB DC", "C0") + state.format("04", "04")
    whole = (
        SERIAL.replace("sources:", states + "sources:")
        .replace(
            'timer: {send: [time], steps: [{minutes: 5, value: "05"}, {minutes: 10, value: "0A"}]}\n',
            "",
        )
        .replace('time: "CC {timer}", ', "")
        .replace('  - {bytes: "C0 CC 05 C0", is: time, timer: "05"}\n', "")
    )
    (tmp_path / "devices" / "line.yaml").write_text(whole)
    done = CliRunner().invoke(drivers, ["check", "on-a-line"], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert done.output.count("passed  on-a-line") == len(CHECKS)
    listed = CliRunner().invoke(drivers, ["list", "--json"], standalone_mode=False)
    assert '"on-a-line"' in listed.output
    none = CliRunner().invoke(drivers, ["check", "nobody"], standalone_mode=False)
    assert isinstance(none.exception, InputError)
