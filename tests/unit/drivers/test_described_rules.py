"""Each rule of a device description: a file that breaks one gets that error and no more, a file at its edge loads (R25)."""

# ruff: noqa: E501 (a table of one-line cases)

from __future__ import annotations

import pytest
from tests.unit.drivers.test_described import GOOD, dialect, hexes

from massager_ctl.drivers.described.load import load_text
from massager_ctl.errors import DescriptionError

BLE = "{kind: ble, service: fff0, write: fff2, notify: [fff1]}"
STATE = 'state: {frame: state, levels: [{level: 0, value: "00"}, {level: 1, value: "01"}]}'
COUNT = "count: {kind: counter, high: 3}"
SUM = "sum: {kind: checksum, algorithm: sum}"
HELLO_SEEN = '  - {bytes: "AA 09", is: hello}\n'
SET_SEEN = '{bytes: "AA 01 01 02 AE", is: set, value: "01", counters: {count: 2}}'
LAST = "  alive: 'AA 02 {count} {sum}'\n"
TIMED = LAST + "  time: 'AA 03 {timer} {sum}'\n"
TIMER = 'timer: {send: [time], steps: [{minutes: 10, value: "0A"}]}\nstart: {send'
TIME_SEEN = '{bytes: "AA 03 0A B7", is: time, timer: "0A"}'

Changes = tuple[tuple[str, str], ...]


def changed(changes: Changes) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


WRONG: list[tuple[Changes, list[str]]] = [
    # How frames are laid onto the wire.
    ((("fields:", 'border: {before: "7E"}\nfields:'),), ["6:9: 'before' and 'after' belong to hex"]),
    ((("fields:", 'border: {after: "0D"}\nfields:'),), ["6:9: 'before' and 'after' belong to hex"]),
    ((("fields:", 'border: {encoding: hex, before: "7"}\nfields:'),), ["6:33: cannot read '7'"]),
    ((("fields:", 'border: {encoding: hex, after: "0"}\nfields:'),), ["6:32: cannot read '0'"]),
    # The link.
    (((BLE, "{kind: serial}"),), ["5:7: 'baud' is missing"]),
    (((BLE, "{kind: serial, baud: 9600, service: fff0}"),), ["5:43: this belongs to a BLE link"]),
    (((BLE, "{kind: serial, baud: 9600, write: fff2}"),), ["5:41: this belongs to a BLE link"]),
    (((BLE, "{kind: serial, baud: 9600}"), ("confirmed_by: state", "confirmed_by: response")), ["17:35: a serial line gives no receipt"]),
    (((BLE, "{kind: ble, baud: 9600, service: fff0, write: fff2}"),), ["5:25: this belongs to a serial link"]),
    (((BLE, "{kind: ble, write: fff2}"),), ["5:7: 'service' is missing"]),
    (((BLE, "{kind: ble, service: fff0}"),), ["5:7: 'write' is missing"]),
    (((BLE, "{kind: ble, service: fff0, write: fff2, notify: [fff1, ff]}"),), ["5:62: 'ff' is not a UUID"]),
    # What it is found by.
    ((("service: fff0}\nlink", "service: fff0, probe: nothing}\nlink"),), ["4:45: no frame is called 'nothing'"]),
    ((("service: fff0}\nlink", "service: fff0, answer: nothing}\nlink"),), ["4:46: no frame is called 'nothing'"]),
    # The fields.
    (((SUM, SUM + "\n  level: {kind: counter}"),), ["9:10: 'level' is given by the lists"]),
    (((SUM, SUM + "\n  timer: {kind: counter}"),), ["9:10: 'timer' is given by the lists"]),
    (((COUNT, "count: {kind: counter, low: 3, high: 3}"),), ["7:10: 'low' must be below 'high'"]),
    (((COUNT, "count: {kind: counter, high: 3, first: 4}"),), ["7:10: 'low' must be below 'high'"]),
    (((COUNT, "count: {kind: counter, high: 256}"),), ["7:10: 'high' is 256, and 255 is the most"]),
    (((COUNT, "count: {kind: counter, high: 65536, size: 2}"),), ["7:10: 'high' is 65536, and 65535 is the most"]),
    (((COUNT, "count: {kind: counter, high: 16, shift: 4}"),), ["7:10: 'high' is 16, and 15 is the most"]),
    (((COUNT, "count: {kind: counter, high: 100, text: decimal, digits: 2}"),), ["7:10: 'high' is 100, and 99 is the most"]),
    (((COUNT, "count: {kind: counter, high: 256, text: hex, digits: 2}"),), ["7:10: 'high' is 256, and 255 is the most"]),
    (((SUM, "sum: {kind: checksum, algorithm: sum, init: 256}"),), ["8:47: 256 has more than 8 bits"]),
    (((SUM, 'sum: {kind: checksum, algorithm: sum, xor_out: "0x100"}'),), ["8:50: 0x100 has more than 8 bits"]),
    (((SUM, "sum: {kind: checksum, algorithm: crc, poly: 511}"),), ["8:47: 511 has more than 8 bits"]),
    (((SUM, 'sum: {kind: checksum, algorithm: crc, poly: "0x0"}'),), ["8:8: a CRC needs its 'poly'"]),
    # The frames. One that cannot be read is not also missing, and is shown by no golden frame that is wrong.
    ((("AA 01 {level}", "AA 0 {level}"),), ["11:8: cannot read '0 {level} {c'"]),
    ((("AA 02 {count}", "AA 02 {count} {count}"),), ["12:10: a field stands here twice"]),
    # The levels and the stop.
    ((("{level: 2, percent", "{level: 1, percent"),), ["16:5: level 1 stands here a second time"]),
    ((('value: "02"}', 'value: "0Z"}'),), ["16:37: cannot read '0Z'"]),
    ((('percent: 100, value: "02"}', "percent: 100}"),), ["16:5: 'value' is missing: its frame has {level}"]),
    ((('stop: {value: "00", ', "stop: {"),), ["17:7: 'value' is missing: its frame has {level}"]),
    ((('value: "02"}', 'value: "02", send: [hello]}'),), ["16:37: no frame of it has {level}"]),
    ((('value: "02"}', 'value: "02", alive: [nothing]}'),), ["16:50: no frame is called 'nothing'"]),
    ((('percent: 100, value: "02"}', "percent: 100, send: [hello], alive: [set]}"),), ["16:5: 'value' is missing: its frame has {level}"]),
    ((('stop: {value: "00", ', 'stop: {value: "00", send: [nothing], '),), ["17:27: no frame is called 'nothing'"]),
    # What sends besides.
    ((("start: {send: [hello]}", "start: {send: [nothing]}"), (HELLO_SEEN, "")), ["18:15: no frame is called 'nothing'"]),
    ((("start: {send: [hello]}", "start: {send: [set]}"),), ["18:15: frame 'set' has {level}, which nothing fills here"]),
    ((("send: [alive]", "send: [nothing]"),), ["19:31: no frame is called 'nothing'"]),
    (((LAST, TIMED), ("start: {send", TIMER), ("send: [time]", "send: [nothing]")), ["19:15: no frame is called 'nothing'"]),
    (((LAST, TIMED), ("start: {send", TIMER), ("send: [hello]", "send: [time]")), ["20:15: frame 'time' has {timer}, which nothing fills here"]),
    # What is read back.
    (((STATE + "\n", ""),), ["17:35: there is no 'state' to read back"]),
    ((("frame: state", "frame: nothing"),), ["20:16: no frame is called 'nothing'"]),
    ((("frame: state", "frame: alive"),), ["20:16: frame 'alive' has no {level}"]),
    ((('{level: 1, value: "01"}]', '{level: 1, value: "00"}]'),), ["20:57: another level has the same value"]),
    ((('{level: 0, value: "00"}, ', ""),), ["20:31: level 0 is missing, which confirms a stop"]),
    # The golden frames.
    ((("is: hello", "is: nothing"), ("start: {send: [hello]}\n", "")), ["22:26: no frame is called 'nothing'"]),
    (((HELLO_SEEN, ""),), ["10:10: no golden frame shows it"]),
    (((HELLO_SEEN, ""), ("start: {send", "wake: {send")), ["10:10: no golden frame shows it"]),
    (((HELLO_SEEN, ""), ("start: {send: [hello]}\n", ""), ('value: "02"}', 'value: "02", alive: [hello]}')), ["10:10: no golden frame shows it"]),
    (((HELLO_SEEN, ""), ("start: {send: [hello]}\n", ""), ("confirmed_by: state", "alive: [hello], confirmed_by: state")), ["10:10: no golden frame shows it"]),
    (((LAST, TIMED), ("start: {send", TIMER)), ["13:9: no golden frame shows it"]),
    ((('"AA 09"', '"AA 0"'),), ["23:13: cannot read '0'"]),
    (((SET_SEEN, SET_SEEN.replace('value: "01"', 'value: "02"')),), ["24:5: it reads as {'level': '01', 'count': 2}"]),
    (((SET_SEEN, SET_SEEN.replace("count: 2", "count: 1")),), ["24:5: it reads as {'level': '01', 'count': 2}"]),
    # A level whose frame has no {level} does not make {level} optional in another.
    ((('percent: 100, value: "02"}', "percent: 100, send: [hello]}"), (SET_SEEN, '{bytes: "AA 01 02 AD", is: set, counters: {count: 2}}')), ["24:13: this does not read as frame 'set'"]),
    # Two checksums over each other: what comes out is not what was seen, although each of them fits.
    (
        (
            (SUM, SUM[:-1] + ", until: end}\n  other: {kind: checksum, algorithm: sum}"),
            ("hello: 'AA 09'", "hello: '80 {sum} {other}'"),
            ("'AA 01 {level} {count} {sum}'", "'AA 01 {level} {count} {other}'"),
            ("'AA 02 {count} {sum}'", "'AA 02 {count} {other}'"),
            ('"AA 09"', '"80 01 81"'),
        ),
        ["24:13: frame 'hello' comes out as"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "problems"), WRONG)
def test_a_broken_rule_is_told_and_nothing_else(changes: Changes, problems: list[str]) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_text(changed(changes), "demo.yaml")
    problems_found = [
        line.removeprefix("demo.yaml:").replace(": format: ", ": ")
        for line in caught.value.problems
    ]
    assert len(problems_found) == len(problems), problems_found
    assert all(
        line.startswith(problem) for line, problem in zip(problems_found, problems, strict=True)
    ), problems_found


@pytest.mark.parametrize(
    "changes",
    [
        ((BLE, "{kind: serial, baud: 9600}"),),
        ((BLE, "{kind: serial, baud: 9600}"), ('{name: "Demo*", service: fff0}', "{}")),
        (("notify: [fff1]}", "response: true}"), ("confirmed_by: state", "confirmed_by: response")),
        (("service: fff0}\nlink", "service: fff0, probe: hello, answer: state}\nlink"),),
        (("fields:", "border: {encoding: hex}\nfields:"), ('"AA 09"', "'\"AA09\"'"), ('"AA 01 01 02 AE"', "'\"AA010102AE\"'"), ('"AA 02 01 AD"', "'\"AA0201AD\"'")),
        ((COUNT, "count: {kind: counter, high: 255}"),),
        ((COUNT, "count: {kind: counter, high: 15, shift: 4}"), (SET_SEEN, SET_SEEN.replace("02 AE", "20 CC")), ('"AA 02 01 AD"', '"AA 02 10 BC"')),
        ((COUNT, "count: {kind: counter, high: 3, first: 3}"),),
        ((SUM, "sum: {kind: checksum, algorithm: sum, width: 16, init: 0xFF00}"), ("02 AE", "02 FF AE"), ("01 AD", "01 FF AD")),
        ((STATE, STATE.replace('{level: 0, value: "00"}, ', "")), ("confirmed_by: state", "confirmed_by: nothing")),
        (("confirmed_by: state}", "confirmed_by: state, alive: [alive]}"),),
        (('percent: 100, value: "02"}', "percent: 100, send: [hello]}"),),
        (('percent: 100, value: "02"}', 'percent: 100, value: "02", send: [hello, set]}'),),
        (('percent: 100, value: "02"}', 'percent: 100, value: "02", send: [set, hello]}'),),
        (('percent: 100, value: "02"}', 'percent: 100, value: "02", send: [hello], alive: [set]}'),),
        ((LAST, TIMED), ("start: {send", TIMER), ("sources:", f"  - {TIME_SEEN}\nsources:")),
        # A frame that is only read has no one form that comes out.
        (("sources:", '  - {bytes: "AA 81 01 55 81", is: state, value: "01"}\nsources:'),),
        # The same value in another frame is another command than the stop, and so is another value in its frame.
        (("hello: 'AA 09'", "hello: 'AA 09 {level}'"), ('"AA 09", is: hello', '"AA 09 00", is: hello, value: "00"'), ("start: {send: [hello]}\n", ""), ('value: "02"}', 'value: "00", send: [hello]}')),
    ],
)  # fmt: skip
def test_what_keeps_the_rules_loads(changes: Changes) -> None:
    assert load_text(changed(changes), "demo.yaml").file.id == "demo"


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ("high: 99, text: decimal, digits: 2", "3030", "3939"),
        ("high: 12, text: decimal", "30", "3132"),
        ("high: 255, text: hex, digits: 2", "3030", "4646"),
        ("high: 300, text: hex_lower", "30", "313263"),
        ("high: 65535, size: 2", "0000", "ffff"),
    ],
)
def test_a_counter_may_use_all_of_its_room(field: str, first: str, last: str) -> None:
    def made(start: str) -> str:
        text = changed(
            (
                (COUNT, f"count: {{kind: counter, {field}{start}}}"),
                ("'AA 01 {level} {count} {sum}'", "'AA 01 {level} {sum}'"),
                (SET_SEEN, '{bytes: "AA 01 01 AC", is: set, value: "01"}'),
                ("'AA 02 {count} {sum}'", "'AA 02 {count}'"),
                ('"AA 02 01 AD"', f'"AA 02 {first}"'),
                ("counters: {count: 1}", "counters: {count: 0}"),
            )
        )
        driver = dialect(text)
        driver.start(0.0)
        (frame,) = hexes(driver.due(1.0))
        return frame.removeprefix("aa02")

    high = field.split(",", maxsplit=1)[0].removeprefix("high: ")
    assert (made(""), made(f", first: {high}")) == (first, last)


def test_the_state_has_values_of_its_own() -> None:
    driver = dialect(changed((('{level: 0, value: "00"}', '{level: 0, value: "F0"}'),)))
    assert driver.feed(bytes.fromhex("AA81F00025")) is None  # its checksum is wrong
    assert driver.feed(bytes.fromhex("AA81F0001B")) == 0


def test_hexadecimal_text_stands_between_its_borders() -> None:
    text = changed(
        (
            ("fields:", 'border: {encoding: hex, before: "3A", after: "0D 0A"}\nfields:'),
            ('"AA 09"', "'\":AA09\" 0D 0A'"),
            ('"AA 01 01 02 AE"', "'\":AA010102AE\" 0D 0A'"),
            ('"AA 02 01 AD"', "'\":AA0201AD\" 0D 0A'"),
        )
    )
    driver = dialect(text)
    assert driver.start(0.0) == [b":AA09\r\n"]
    assert driver.feed(b":AA81010A36\r\n") == 1
    assert driver.feed(b"AA81010A36\r\n") is None
    assert driver.feed(b":aa81010a36\r\n") is None, "wrap would not have made it so"
