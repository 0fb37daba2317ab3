"""Device descriptions: what is wrong with one is reported with line and column, and a valid one is driven by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.driver import BAUD, spec_of
from massager_ctl.drivers.described.load import load_file, load_text
from massager_ctl.drivers.described.schema import schema_text
from massager_ctl.drivers.described.template import TemplateError, parse, parse_bytes, show_bytes
from massager_ctl.errors import DescriptionError, Refused

GOOD = """\
description: 1
id: demo
title: Demo
find: {name: "Demo*", service: fff0}
link: {kind: ble, service: fff0, write: fff2, notify: [fff1]}
fields:
  count: {kind: counter, high: 3}
  sum: {kind: checksum, algorithm: sum}
frames:
  hello: 'AA 09'
  set: 'AA 01 {level} {count} {sum}'
  alive: 'AA 02 {count} {sum}'
  state: 'AA 81 {level} ?? {sum}'
levels:
  - {level: 1, percent: 50, value: "01"}
  - {level: 2, percent: 100, value: "02"}
stop: {value: "00", confirmed_by: state}
start: {send: [hello]}
keep_alive: [{every: 1, send: [alive]}]
state: {frame: state, levels: [{level: 0, value: "00"}, {level: 1, value: "01"}]}
zones: [trapezius_left]
golden:
  - {bytes: "AA 09", is: hello}
  - {bytes: "AA 01 01 02 AE", is: set, value: "01", counters: {count: 2}}
  - {bytes: "AA 02 01 AD", is: alive, counters: {count: 1}}
sources: [{what: a test, sure: from documents}]
"""


def dialect(text: str = GOOD) -> Dialect:
    return Dialect(load_text(text, "demo.yaml"))


def hexes(frames: list[bytes]) -> list[str]:
    return [frame.hex() for frame in frames]


def test_a_session_by_the_file() -> None:
    driver = dialect()
    assert hexes(driver.start(0.0)) == ["aa09"]
    assert hexes(driver.set_level(1, 0.5)) == ["aa010100ac"]
    assert driver.due(0.9) == []
    assert hexes(driver.due(1.0)) == ["aa0201ad"]
    assert hexes(driver.stop(1.2)) == ["aa010002ad"]
    assert hexes(driver.stop(1.3)) == ["aa010003ae"]
    assert hexes(driver.set_level(2, 1.4)) == ["aa010200ad"]


def test_a_late_host_sends_no_backlog() -> None:
    driver = dialect()
    driver.start(0.0)
    assert len(driver.due(60.0)) == 1
    assert driver.due(60.1) == []


def test_a_level_that_is_not_in_the_file_is_refused() -> None:
    with pytest.raises(Refused, match="never sent"):
        dialect().set_level(3, 0.0)


def test_the_highest_step_that_is_not_above_the_curve() -> None:
    driver = dialect()
    assert [driver.highest_below(x) for x in (0, 49.9, 50, 99, 100)] == [0, 0, 1, 1, 2]


def test_the_level_is_read_back_only_from_a_sound_frame() -> None:
    driver = dialect()
    assert driver.feed(bytes.fromhex("AA810155" + "81")) == 1
    assert driver.feed(bytes.fromhex("AA810155" + "82")) is None
    assert driver.feed(bytes.fromhex("AA81000A" + "35")) == 0
    assert driver.reported == 0


def test_the_last_command_again_keeps_its_number_where_it_was_seen_so() -> None:
    text = GOOD.replace("high: 3}", "high: 3, on: change}").replace(
        "keep_alive: [{every: 1, send: [alive]}]", "keep_alive: [{every: 1, when: running}]"
    )
    driver = dialect(text)
    first = driver.set_level(1, 0.0)
    assert driver.due(1.0) == first
    driver.stop(1.5)
    assert driver.due(9.0) == []


def test_what_wakes_the_device_comes_before_the_first_level_alone() -> None:
    driver = dialect(GOOD.replace("start: {send", "wake: {send"))
    assert hexes(driver.set_level(1, 0.0))[0] == "aa09"
    assert len(driver.set_level(2, 1.0)) == 1
    driver.stop(2.0)
    assert hexes(driver.set_level(1, 3.0))[0] == "aa09"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("write: fff2", "write: 2a06", "5:41", "characteristic that many kinds of devices share"),
        ("service: fff0, write", "service: fe59, write", "5:41", "firmware update"),
        ('name: "Demo*", ', "", "4:7", "service alone does not identify"),
        ('name: "Demo*"', 'name: "*"', "4:7", "service alone"),
        ("AA 01 {level}", "AA 0 {level}", "11:8", "cannot read"),
        ("AA 02 {count} {sum}", "AA 02 {number} {sum}", "12:10", "no field is called 'number'"),
        ('"AA 02 01 AD"', '"AA 02 01 AE"', "25:13", "does not read as frame 'alive'"),
        ("counters: {count: 1}", "counters: {count: 2}", "25:5", "it reads as"),
        ('  - {bytes: "AA 02 01 AD", is: alive, counters: {count: 1}}\n', "", "12:10", "no golden"),
        ('value: "01"}\n  - {level', "value: 01}\n  - {level", "15:36", "put it in quotes"),
        ("zones: [trapezius_left]", "zones: [spine]", "21:9", "Invalid enum value 'spine'"),
        ("title: Demo\n", "", "1:1", "'title' is missing"),
        ("percent: 100", "percent: 40", "16:5", "must rise"),
        ("percent: 100", "percent: .nan", "16:25", "not a number"),
        ("stop: {value", "stop: {frob: 1, value", "17:8", "unknown key 'frob'"),
        ('stop: {value: "00"', 'stop: {value: "01"', "15:5", "toggle is not a stop"),
        ("send: [alive]", "send: [state]", "19:31", "can only be read"),
        ("confirmed_by: state", "confirmed_by: response", "17:35", "no receipt"),
        ("service: fff0}", "service: ff0}", "4:32", "'ff0' is not a UUID"),
        ('value: "02"', 'value: "0Z"', "16:37", "cannot read '0Z'"),
        ("start: {send: [hello]}", "start: {send: []}", "18:15", "it sends nothing"),
        ("start: {send: [hello]}", "wake: {send: [nothing]}", "18:14", "no frame is called"),
        ("dead_man", "dead_man", "", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, place: str, words: str) -> None:
    if not words:
        text = GOOD + "assurance: {dead_man: full}\n"
        place, words = "27:23", "dead_man"
    else:
        assert old in GOOD
        text = GOOD.replace(old, new, 1)
    with pytest.raises(DescriptionError) as caught:
        load_text(text, "demo.yaml")
    text = "\n".join(caught.value.problems)
    assert words in text or words == "dead_man"
    assert f"demo.yaml:{place}" in text


def test_several_problems_are_told_at_once() -> None:
    text = GOOD.replace("title: Demo", "title: 7").replace("every: 1", "every: 0")
    with pytest.raises(DescriptionError) as caught:
        load_text(text, "demo.yaml")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("text", ["", "- 1", "a: &x 1\nb: *x", "{", "description: 2", "\0"])
def test_what_is_no_description_is_one_error(text: str) -> None:
    with pytest.raises(DescriptionError):
        load_text(text, "demo.yaml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="cannot read"):
        load_file(tmp_path / "nowhere.yaml")
    (tmp_path / "raw.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(DescriptionError, match="no UTF-8"):
        load_file(tmp_path / "raw.yaml")
    (tmp_path / "large.yaml").write_bytes(b"# " + b"x" * 70_000)
    with pytest.raises(DescriptionError):
        load_file(tmp_path / "large.yaml")


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_an_error(text: str) -> None:
    try:
        parts = parse(text)
    except TemplateError as error:
        column = error.column
    else:
        column = len(parts)
    assert 0 <= column <= len(text)


@given(st.binary(min_size=1, max_size=30))
def test_shown_bytes_read_back(data: bytes) -> None:
    assert parse_bytes(show_bytes(data)) == data


def test_the_schema_in_the_documents_is_the_codes() -> None:
    path = Path(__file__).parents[3] / "docs" / "reference" / "device.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text()


def test_the_example_in_the_documents_is_sound() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "device-description.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    driver = dialect(example)
    assert hexes(driver.set_level(1, 0.0)) == ["914407010007"]


def test_the_probe_that_finds_a_device_is_held_to_the_rules_of_what_is_sent() -> None:
    text = GOOD.replace("service: fff0}\nlink", "service: fff0, probe: set}\nlink")
    with pytest.raises(
        DescriptionError, match=r"demo\.yaml:4:.*'set' has \{level\}, which nothing"
    ):
        load_text(text, "demo.yaml")


def test_a_crc_needs_its_polynomial() -> None:
    text = GOOD.replace("algorithm: sum}", "algorithm: crc}")
    with pytest.raises(DescriptionError, match="a CRC needs its 'poly'"):
        load_text(text, "demo.yaml")


def test_a_device_that_tells_nothing_is_driven_and_never_read() -> None:
    text = "".join(
        line
        for line in GOOD.splitlines(keepends=True)
        if not line.startswith(("state:", "  state:"))
    ).replace("confirmed_by: state", "confirmed_by: nothing")
    driver = dialect(text)
    assert hexes(driver.start(0.0)) == ["aa09"]
    assert driver.feed(bytes.fromhex("AA81010A36")) is None
    whole = spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).dialect()
    assert whole.feed(bytes.fromhex("AA81010A36"), 0.0) is None


def test_what_a_device_is_not_found_by_is_empty() -> None:
    text = GOOD.replace(", service: fff0}", "}", 1)
    find = spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).find
    assert find is not None
    assert (find.name, find.service) == ("Demo*", "")
    whole = spec_of(load_text(GOOD, "demo.yaml"), Path("demo.yaml"))
    assert (whole.find.name, whole.find.service) == ("Demo*", "fff0")
    text = GOOD.replace('{name: "Demo*", service: fff0}', "{}").replace(
        "{kind: ble, service: fff0, write: fff2, notify: [fff1]}", "{kind: serial, baud: 9600}"
    )
    line = spec_of(load_text(text, "demo.yaml"), Path("demo.yaml"))
    assert (line.find.name, line.find.service, line.baud, whole.baud) == ("", "", 9600, BAUD)


def test_a_description_that_was_confirmed_by_no_other_says_so_in_no_words() -> None:
    assert spec_of(load_text(GOOD, "demo.yaml"), Path("demo.yaml")).confirmed_by == ""
    text = GOOD.replace("sure: from documents", "sure: from documents, by: a friend")
    assert spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).confirmed_by == "a friend"
    text = text.replace("sources: [", "sources: [{what: a leaflet, sure: from documents}, ")
    assert spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).confirmed_by == "a friend"


@pytest.mark.parametrize(("known", "has_one"), [("", False), ("own_timer_min: 15", True)])
def test_r25_a_timer_that_the_device_has_counts_although_it_cannot_be_set(
    known: str, has_one: bool
) -> None:
    text = GOOD + f"assurance: {{{known}}}\n"
    spec = spec_of(load_text(text, "demo.yaml"), Path("demo.yaml"))
    assert spec.assurance.own_timer is has_one


def test_a_keep_alive_of_the_file_says_when_it_is_due() -> None:
    driver = spec_of(load_text(GOOD, "demo.yaml"), Path("demo.yaml")).dialect()
    assert driver.next_due() is None
    driver.start(0.0)
    assert driver.next_due() == 1.0
    assert hexes(list(driver.due(0.9))) == []
    assert hexes(list(driver.due(1.0))) == ["aa0200ac"]
    assert driver.next_due() == 2.0


def test_r25_a_file_that_changed_is_another_device_for_all_that_was_seen_of_it() -> None:
    def firmware(text: str) -> str:
        return spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).dialect().firmware

    name, word = firmware(GOOD).split()
    assert (name, len(word)) == ("description", 12)
    assert firmware(GOOD + "# a remark\n") == firmware(GOOD)
    assert firmware(GOOD.replace("percent: 50", "percent: 49")) != firmware(GOOD)


def test_a_level_that_is_reported_and_never_sent_is_no_step() -> None:
    text = GOOD.replace('{level: 1, value: "01"}]}', '{level: 3, value: "03"}]}')
    driver = spec_of(load_text(text, "demo.yaml"), Path("demo.yaml")).dialect()
    assert driver.feed(bytes.fromhex("AA8103002E"), 0.0) is None
    assert driver.feed(bytes.fromhex("AA81000A35"), 0.0) == (0,)
