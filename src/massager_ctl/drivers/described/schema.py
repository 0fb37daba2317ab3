"""The format of a device description as types: the loader, the JSON Schema and the reference page use them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from massager_ctl.drivers.described.encoding import Encoding

FORMAT: Final = 1
SCHEMA_ID: Final = "urn:massager-ctl:device-description:1"
"""The name of the schema; a later format that reads other files has another."""

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=40)]
Title = Annotated[str, Meta(min_length=1, max_length=80)]
Words = Annotated[str, Meta(min_length=1, max_length=400)]
FrameText = Annotated[str, Meta(min_length=2, max_length=2000)]
Bytes = Annotated[str, Meta(min_length=1, max_length=2000)]
Hex = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{1,8}$")]
Number = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | Hex
Baud = Annotated[int, Meta(ge=300, le=4_000_000)]
Minutes = Annotated[float, Meta(gt=0, le=240)]
Text = Literal["binary", "hex", "hex_lower", "decimal"]
Order = Literal["big", "little"]
Powered = Literal[
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
]


class Find(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How the device is recognised. A service that many devices share is never enough on its own."""

    name: Annotated[
        Title | None,
        Meta(description="The name that it advertises; `*` stands for any letters."),
    ] = None
    service: Annotated[
        str | None, Meta(description="A service that it has, by its UUID, short or long.")
    ] = None
    probe: Annotated[
        Name | None, Meta(description="A frame to ask with, that makes no motor move.")
    ] = None
    answer: Annotated[Name | None, Meta(description="The frame that the probe is answered by.")] = (
        None
    )


class Link(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What carries the frames."""

    kind: Literal["ble", "serial"]
    service: Annotated[
        str | None, Meta(description="BLE: the service of the characteristic to write to.")
    ] = None
    write: Annotated[str | None, Meta(description="BLE: the characteristic to write to.")] = None
    response: Annotated[
        bool, Meta(description="BLE: whether a write asks the device for its receipt.")
    ] = False
    notify: Annotated[
        tuple[str, ...], Meta(description="BLE: the characteristics to listen to.", max_length=8)
    ] = ()
    bonded: Annotated[
        bool, Meta(description="BLE: whether the device was seen to want pairing.")
    ] = False
    baud: Annotated[Baud | None, Meta(description="Serial: bits a second.")] = None


class CounterField(
    Struct,
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
    frozen=True,
    tag_field="kind",
    tag="counter",
):
    """A number that increases from frame to frame."""

    low: Annotated[int, Meta(description="The value after `high`.", ge=0)] = 0
    high: Annotated[int, Meta(description="The greatest value.", ge=1, le=0xFFFFFFFF)] = 255
    first: Annotated[int, Meta(description="The value in the first frame.", ge=0)] = 0
    step: Annotated[int, Meta(description="How much it goes up.", ge=1, le=255)] = 1
    size: Annotated[int, Meta(description="Bytes, as binary.", ge=1, le=4)] = 1
    shift: Annotated[
        Literal[0, 4], Meta(description="4 where it is the upper half of its byte.")
    ] = 0
    order: Order = "big"
    text: Annotated[Text, Meta(description="How it is written.")] = "binary"
    digits: Annotated[
        int, Meta(description="Letters, as text; 0 for as many as it takes.", ge=0, le=10)
    ] = 0
    on: Annotated[
        Literal["frame", "change"],
        Meta(description="`change`: a frame sent again keeps its number."),
    ] = "frame"


class ChecksumField(
    Struct,
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
    frozen=True,
    tag_field="kind",
    tag="checksum",
):
    """A checksum over a part of its frame, without its own bytes."""

    algorithm: Literal["sum", "xor", "crc"]
    width: Literal[8, 16, 32] = 8
    poly: Number = 0
    init: Number = 0
    reflect_in: bool = False
    reflect_out: bool = False
    negate: Annotated[bool, Meta(description="The two's complement.")] = False
    xor_out: Annotated[Number, Meta(description="0xFF for the one's complement.")] = 0
    skip: Annotated[
        int, Meta(description="Bytes at the frame's start that it does not cover.", ge=0, le=64)
    ] = 0
    until: Annotated[
        Literal["itself", "end"], Meta(description="Where the part that it covers ends.")
    ] = "itself"
    short: Annotated[int, Meta(description="So many bytes earlier than `until`.", ge=0, le=64)] = 0
    order: Order = "big"
    text: Annotated[
        Literal["binary", "hex", "hex_lower"], Meta(description="How it is written.")
    ] = "binary"


Field = CounterField | ChecksumField


class Border(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How frames are laid onto the wire. The frames below are what is inside."""

    encoding: Encoding = Encoding.RAW
    before: Annotated[Bytes | None, Meta(description="Hex: what comes before the digits.")] = None
    after: Annotated[Bytes | None, Meta(description="Hex: what comes after the digits.")] = None


class Level(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One step of the device: what it is worth, and what sets it, whatever was set before."""

    level: Annotated[int, Meta(ge=1, le=100)]
    percent: Annotated[
        float, Meta(description="Of the device's greatest output; never too small.", gt=0, le=100)
    ]
    send: tuple[Name, ...] = ("set",)
    value: Annotated[Bytes | None, Meta(description="What stands for `{level}`.")] = None
    alive: Annotated[
        tuple[Name, ...], Meta(description="What a keep-alive without `send` sends; else `send`.")
    ] = ()


class Stop(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What switches everything off, in any state, however often it is sent."""

    send: tuple[Name, ...] = ("set",)
    value: Annotated[Bytes | None, Meta(description="What stands for `{level}`.")] = None
    alive: Annotated[
        tuple[Name, ...], Meta(description="What a keep-alive without `send` sends; else `send`.")
    ] = ()
    confirmed_by: Annotated[
        Literal["nothing", "response", "state"],
        Meta(
            description="`response`: the write's receipt, which says that it arrived; `state`: level 0, read back."
        ),
    ] = "nothing"


class Start(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Frames that are sent before others."""

    send: tuple[Name, ...]


class KeepAlive(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is sent again and again, so that the device stays awake."""

    every: Annotated[float, Meta(description="Seconds.", ge=0.02, le=60)]
    send: Annotated[
        tuple[Name, ...], Meta(description="None: the last level or stop is sent again.")
    ] = ()
    when: Annotated[
        Literal["always", "running"], Meta(description="`running`: only with a level above 0.")
    ] = "always"


class StateLevel(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What stands for `{level}` in a state frame; level 0 is off."""

    level: Annotated[int, Meta(ge=0, le=100)]
    value: Bytes


class State(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A frame from the device that reports its level."""

    frame: Name
    levels: Annotated[tuple[StateLevel, ...], Meta(min_length=1, max_length=101)]


class TimerStep(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A time that the device's own timer can be set to."""

    minutes: Minutes
    value: Bytes


class Timer(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The device's own timer, which is set to the session's end."""

    send: tuple[Name, ...]
    steps: Annotated[tuple[TimerStep, ...], Meta(min_length=1, max_length=100)]


class Assured(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is known of the device; it can only lower what is allowed. A file is no proof of a dead-man (R25)."""

    dead_man: Literal["none"] = "none"
    on_disconnect: Literal["stops", "runs_on", "unknown"] = "unknown"
    own_timer_min: Annotated[
        Minutes | None, Meta(description="Minutes after which it switches off automatically.")
    ] = None
    own_remote: Annotated[
        bool, Meta(description="Whether it has a remote control, an app or buttons too.")
    ] = True
    stall_sensing: bool = False


class Source(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Where the knowledge comes from, and how sure it is."""

    what: Words
    sure: Literal["from capture", "from documents", "confirmed on hardware"]
    by: Annotated[Title | None, Meta(description="Who confirmed it.")] = None


class Unsure(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A part that nothing has proved. A description that has one is not driven."""

    part: Title
    why: Words


class Golden(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A frame as it was seen: it must come out of the description, and be read by it."""

    bytes: Annotated[Bytes, Meta(description="On the wire.")]
    is_: Annotated[Name, Meta(description="The frame's name.")] = msgspec.field(name="is")
    value: Annotated[Bytes | None, Meta(description="What stood for `{level}`.")] = None
    timer: Annotated[Bytes | None, Meta(description="What stood for `{timer}`.")] = None
    counters: Annotated[dict[Name, int], Meta(description="What each counter stood at.")] = (
        msgspec.field(default_factory=dict[str, int])
    )


class DeviceFile(Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A device that massager-ctl can speak to without code."""

    description: Annotated[Literal[1], Meta(description="The format's version.")]
    id: Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    title: Title
    find: Find
    link: Link
    frames: Annotated[
        dict[Name, FrameText], Meta(description="Frames by name.", min_length=1, max_length=200)
    ]
    levels: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=100)]
    stop: Stop
    zones: Annotated[
        tuple[Powered, ...], Meta(description="Where it works.", min_length=1, max_length=6)
    ]
    golden: Annotated[tuple[Golden, ...], Meta(min_length=1, max_length=500)]
    sources: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=20)]
    border: Border = Border()
    fields: Annotated[dict[Name, Field], Meta(description="What `{name}` in a frame is.")] = (
        msgspec.field(default_factory=dict[str, Field])
    )
    start: Start | None = None
    wake: Annotated[
        Start | None, Meta(description="What is sent before the first level after off.")
    ] = None
    keep_alive: Annotated[tuple[KeepAlive, ...], Meta(max_length=8)] = ()
    state: State | None = None
    timer: Timer | None = None
    assurance: Assured = Assured()
    bench_only: Annotated[
        bool, Meta(description="True until each level and two stops were seen to work.")
    ] = True
    unsure: tuple[Unsure, ...] = ()
    remarks: Annotated[tuple[Words, ...], Meta(max_length=50)] = ()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a description, for editors. The loader proves more, the golden frames above all."""
    schema = msgspec.json.schema(DeviceFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "massager-ctl device description",
        **schema,
    }


def schema_text() -> str:
    """The JSON Schema file."""
    import json

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
