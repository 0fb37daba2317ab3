"""R25: what a person sees on the table is what a declaration is worth, and nothing goes out without a key press."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, BOTH, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.runtime.at_the_table import Somebody, tried

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import Refused, StopUnconfirmed, StoreError
from massager_ctl.model.device import Channel
from massager_ctl.runtime.table_trial import LONGEST_S, TableTrial, in_words
from massager_ctl.runtime.trial_records import FILE, TrialRecords
from massager_ctl.safety.assurance import NOTHING_SHOWN, Shown
from massager_ctl.testing.peers import PeerLink


@simulated_time
async def test_all_that_was_seen_counts() -> None:
    shown, person, link = await tried()
    assert shown == Shown(levels_seen=True, stops_when_left=True, reads_back=True, no_remote=True)
    presses = [text for text, _ in person.pressed]
    # The gentlest level's stop comes first, twice, and nothing above 25 % is ever sent.
    assert presses[:3] == [
        "step 1, 5 %, is sent",
        "the stop is sent",
        "the stop is sent once more",
    ]
    assert [text for text in presses if text.startswith("step")][:4] == [
        f"step {n}, {percent} %, is sent" for n, percent in ((1, 5), (2, 10), (3, 15), (4, 20))
    ]
    assert max(step for _, (step,) in link.history) == 4
    assert link.peer.steps == (0,)
    assert len(in_words(shown)) == 4


@simulated_time
async def test_a_level_goes_out_on_a_press_alone() -> None:
    _, person, link = await tried()
    levels = [at for at, data in link.heard if data.startswith(b"L")]
    pressed_before = [count for text, count in person.pressed if text.startswith("step")]
    assert len(levels) == len(pressed_before)


@simulated_time
async def test_a_level_that_is_not_as_it_should_be_ends_it_with_a_stop() -> None:
    async with PeerLink(AsciiPeer()) as link:
        trial = TableTrial(PlainDriver(link.host, ASCII), Somebody(link, {"no stronger": False}))
        with pytest.raises(Refused, match="step 1 was not what it should be"):
            await trial.run()
        assert link.peer.steps == (0,)
        assert max(step for _, (step,) in link.history) == 1


@simulated_time
async def test_a_stop_that_does_not_stop_is_exit_5_and_nothing_stronger_follows() -> None:
    class Deaf(AsciiPeer):
        def take(self, data: bytes, now: float) -> Sequence[bytes]:
            return super().take(data.replace(b"OFF", b"WHO"), now)

    async with PeerLink(Deaf()) as link:
        with pytest.raises(StopUnconfirmed, match="a person sees"):
            await TableTrial(PlainDriver(link.host, ASCII), Somebody(link)).run()
        assert max(step for _, (step,) in link.history) == 1


@simulated_time
async def test_who_runs_on_when_left_and_tells_nothing_is_known_for_that() -> None:
    class Weak(AsciiPeer):
        def link_down(self, now: float) -> None:
            pass

    shown, _, link = await tried(make=lambda: Weak(mute=True), lies={"no remote": False})
    assert shown == Shown(levels_seen=True)
    assert link.peer.steps == (0,)
    assert any("bench only" in line for line in in_words(shown))


@simulated_time
async def test_a_level_that_nobody_judges_is_stopped() -> None:
    class Slow(Somebody):
        async def sees(self, question: str) -> bool:
            if "Does it run" in question:
                await asyncio.sleep(LONGEST_S + 30)
                assert self.link.peer.steps == (0,)
                return False
            return await super().sees(question)

    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(Refused):
            await TableTrial(PlainDriver(link.host, ASCII), Slow(link)).run()


@simulated_time
async def test_a_device_that_is_too_strong_is_not_even_opened() -> None:
    spec = msgspec.structs.replace(ASCII, channels=(Channel(BOTH, (33.3, 100.0)),))
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(Refused, match=r"33\.3 % and such a device gets 25 %"):
            await TableTrial(PlainDriver(link.host, spec), Somebody(link)).run()
        assert link.heard == []


@simulated_time
async def test_its_timer_is_waited_for_where_somebody_wants_to() -> None:
    class Timed(AsciiDialect):
        def timer(self, minutes: float, now: float) -> Sequence[bytes]:
            return [b"\n"]

    class Ends(AsciiPeer):
        until: float | None = None

        def pass_time(self, now: float) -> Sequence[bytes]:
            if self.steps == (0,):
                self.until = None
            elif self.until is None:
                self.until = now + 300
            elif now >= self.until:
                self.steps = (0,)
            return []

    declared = msgspec.structs.replace(ASCII.assurance, own_timer=True)
    spec = msgspec.structs.replace(ASCII, dialect=Timed, timer_min=(5.0,), assurance=declared)
    shown, _, _ = await tried(spec, Ends)
    assert shown.ends_by_timer


def test_fault_67_what_was_seen_is_kept_by_serial_number_and_firmware(tmp_path: Path) -> None:
    from massager_ctl.drivers.substitute_reports import info_of

    folder = tmp_path / "not made yet"
    book = TrialRecords(folder, "ascii")
    one, other = info_of(ASCII, "A1", "1.0", 1.0), info_of(ASCII, "A1", "1.1", 1.0)
    assert book.of(one) == NOTHING_SHOWN
    book.note(one, Shown(levels_seen=True))
    book.note(one, Shown(levels_seen=True, no_remote=True))
    assert book.of(one).no_remote
    assert book.of(other) == NOTHING_SHOWN
    assert TrialRecords(folder, "acme").of(one) == NOTHING_SHOWN
    (folder / FILE).write_bytes(b"{")
    assert book.of(one) == NOTHING_SHOWN


def test_what_was_seen_and_cannot_be_kept_is_an_error_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    from massager_ctl.drivers.substitute_reports import info_of

    (tmp_path / FILE).mkdir()
    book = TrialRecords(tmp_path, "ascii")
    with pytest.raises(StoreError, match="cannot be kept: Is a directory"):
        book.note(info_of(ASCII, "A1", "1.0", 1.0), Shown(levels_seen=True))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("serial", ["serial:/dev/ttyUSB0", "tcp:h:1"])
def test_what_is_at_a_port_and_tells_no_number_is_never_known_again(
    serial: str, tmp_path: Path
) -> None:
    from massager_ctl.drivers.substitute_reports import info_of

    book = TrialRecords(tmp_path, "ascii")
    nameless = info_of(ASCII, serial, "unknown", 1.0)
    book.note(nameless, Shown(levels_seen=True, stops_when_left=True))
    assert book.of(nameless) == NOTHING_SHOWN
    on_radio = info_of(ASCII, "ble:C4:F1:F2:F3:F4:F5", "unknown", 1.0)
    book.note(on_radio, Shown(levels_seen=True))
    assert book.of(on_radio).levels_seen
