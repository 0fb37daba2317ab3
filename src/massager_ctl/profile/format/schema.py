"""The profile format, defined once: these types are read, documented, and exported as JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from massager_ctl.config import USER_CAP_MAX
from massager_ctl.profile.model import FADE_MAX_S, FADE_MIN_S, MAX_STEPS, SESSION_LIMIT_S, WARM_S
from massager_ctl.safety.envelope import RAMP_MAX_S, RAMP_MIN_S
from massager_ctl.safety.limits import BOUNDS


class Kind(StrEnum):
    """The kinds of a step, by the key that makes it one."""

    POWERED = "zones"
    GUIDED = "guide"
    REST = "rest"
    BLOCK = "steps"


_NAMES: Final = {
    Kind.POWERED: "powered",
    Kind.GUIDED: "guided",
    Kind.REST: "rest",
    Kind.BLOCK: "block",
}

MAX_REPEAT: Final = 10_000
MAX_NESTING: Final = 3
SHORTEST_S: Final = 0.1
"""Seconds that a step takes at least."""


def key(
    description: str,
    *kinds: Kind,
    rule: str = "R20",
    unit: str = "",
    letters: int = 0,
    said: str = "",
    default: str = "",
) -> Meta:
    """What is known of a key beside its type.

    `kinds`: the steps that may have it. `rule`: what a value out of its range breaks. `letters`: the longest text.
    `said`: the range in words, if the type alone does not say it.
    """
    extra = {
        "kinds": kinds,
        "rule": rule,
        "unit": unit,
        "letters": letters,
        "said": said,
        "default": default,
    }
    return Meta(description=description, extra=extra)


class Key(Struct, frozen=True):
    """A key of the format: the range of its number, the length of its text, and the steps that may have it."""

    name: str
    description: str
    needed: bool
    low: float
    high: float
    rule: str
    letters: int
    kinds: frozenset[Kind]
    default: str
    range: str

    @property
    def for_steps(self) -> str:
        """The steps that may have it, in words."""
        if len(self.kinds) == len(Kind) - 1:
            (other,) = set(Kind) - self.kinds
            return f"any but a {_NAMES[other]}"
        return ", ".join(_NAMES[kind] for kind in Kind if kind in self.kinds)


@cache
def keys_of(struct: type[Struct]) -> dict[str, Key]:
    """The keys of one of the types below, in the order in which they are usually written."""
    fields = cast("Any", msgspec.inspect.type_info(struct)).fields
    return {field.encode_name: _key(field) for field in fields}


def _key(field: Any) -> Key:
    extra = field.type.extra
    low, high = _range(field.type)
    spelled = extra["said"]
    if not spelled and extra["letters"]:
        spelled = f"{extra['letters']} letters"
    elif not spelled and high:
        spelled = f"{low:g} to {high:g} {extra['unit']}".strip()
    return Key(
        field.encode_name,
        field.type.extra_json_schema["description"],
        field.required,
        low,
        high,
        extra["rule"],
        extra["letters"],
        frozenset(extra["kinds"]),
        extra["default"],
        spelled,
    )


def _range(found: Any) -> tuple[float, float]:
    """The range of the number in a type; zeros if it has none."""
    if isinstance(found, msgspec.inspect.Metadata):
        return _range(found.type)
    if isinstance(found, msgspec.inspect.UnionType):
        ranges = [_range(one) for one in found.types]
        return next((one for one in ranges if one != (0.0, 0.0)), (0.0, 0.0))
    if isinstance(found, (msgspec.inspect.FloatType, msgspec.inspect.IntType)):
        low = found.ge if found.ge is not None else found.gt
        return float(low or 0.0), float(found.le or 0.0)
    return 0.0, 0.0


DurationText = Annotated[
    str, Meta(pattern=r"^\s*([0-9.]+\s*(min|minutes?|m))?\s*([0-9.]+\s*(s|sec|seconds?))?\s*$")
]
StepSeconds = Annotated[float, Meta(ge=SHORTEST_S, le=SESSION_LIMIT_S)] | DurationText
BreathSeconds = Annotated[float, Meta(ge=1, le=20)] | DurationText
Heat = Annotated[float, Meta(ge=30, le=39)]
Texts = str | list[str]
ZoneName = Literal[
    "all",
    "trapezius",
    "neck",
    "suboccipital",
    "left",
    "right",
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
    "scalene",
    "scm",
]
Part = Annotated[float, Meta(ge=0.01, le=1)] | Annotated[str, Meta(pattern=r"^\s*[0-9.]+\s*%\s*$")]
Percent = Annotated[float, Meta(ge=0.1, le=max(BOUNDS))]
Keyframe = Annotated[list[Annotated[float, Meta(ge=0)]], Meta(min_length=2, max_length=2)]

_POWERED: Final = Kind.POWERED
_GUIDED: Final = Kind.GUIDED
_REST: Final = Kind.REST
_BLOCK: Final = Kind.BLOCK


class Breathe(Struct, forbid_unknown_fields=True):
    """A breathing rhythm."""

    in_s: Annotated[BreathSeconds, key("Seconds to breathe in.", unit="s")] = msgspec.field(
        name="in"
    )
    out_s: Annotated[BreathSeconds, key("Seconds to breathe out.", unit="s")] = msgspec.field(
        name="out"
    )


class StepFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """One step: powered (`zones`), by hand (`guide`), a pause (`rest`) or a block of steps (`steps`)."""

    title: Annotated[
        str | UnsetType,
        key("What the screen calls the step.", _POWERED, _GUIDED, _REST, letters=40),
    ] = UNSET
    zones: Annotated[
        ZoneName | list[ZoneName] | UnsetType,
        key(
            "Where. In a guided step the only places to name beside these are `scalene` and `scm`.",
            _POWERED,
            _GUIDED,
            said="zones or groups",
        ),
    ] = UNSET
    motion: Annotated[
        Literal["vibrate", "knead", "glide", "circle", "hold"] | UnsetType,
        key("How the device plays the level.", _POWERED, default="vibrate"),
    ] = UNSET
    direction: Annotated[
        Literal["none", "cw", "ccw", "alternate", "up", "down"] | UnsetType,
        key(
            "Knead and circle: `cw`, `ccw` or `alternate`; glide: `up`, `down` or `alternate`.",
            _POWERED,
            default="alternate",
        ),
    ] = UNSET
    level: Annotated[
        Percent | dict[ZoneName, Percent] | UnsetType,
        key(
            "Percent of the rated output to climb to, for all zones or by zone; the rules set the pace.",
            _POWERED,
            rule="R19",
            said="0.1 to the zone's bound and the cap, %",
        ),
    ] = UNSET
    share: Annotated[
        Part | dict[ZoneName, Part] | UnsetType,
        key(
            "The part of what envelope and cap allow at each moment: `0.8` or `80%`.",
            _POWERED,
            rule="R19",
            default="1",
        ),
    ] = UNSET
    keyframes: Annotated[
        list[Keyframe] | dict[ZoneName, list[Keyframe]] | UnsetType,
        key(
            "The curve itself: a list of `[seconds from the step's start, percent]`, proved as it stands.",
            _POWERED,
            said="rising times",
        ),
    ] = UNSET
    duration: Annotated[
        StepSeconds | UnsetType,
        key(
            "How long. Steps without one share what is left of the profile's `duration`.",
            _POWERED,
            _GUIDED,
            rule="R8",
            said=f"{SHORTEST_S:g} to {SESSION_LIMIT_S:g} s; a hold 10 to 60 s",
        ),
    ] = UNSET
    repetitions: Annotated[
        Annotated[int, Meta(ge=1, le=600)] | UnsetType,
        key("In place of a duration: so many cycles of `period`.", _POWERED),
    ] = UNSET
    period: Annotated[
        Annotated[float, Meta(ge=1, le=60)] | DurationText | UnsetType,
        key("Time of one cycle of the motion.", _POWERED, unit="s", default="5"),
    ] = UNSET
    heat: Annotated[
        Heat | UnsetType,
        key(
            "Heat target in °C for this step (R11).",
            _POWERED,
            rule="R11",
            unit="°C",
            default="the profile's",
        ),
    ] = UNSET
    guide: Annotated[
        str | UnsetType,
        key(
            "What the person does by hand, with every motor off. `{side}` becomes left or right.",
            _GUIDED,
            letters=400,
        ),
    ] = UNSET
    rest: Annotated[
        StepSeconds | UnsetType,
        key("A pause of this length; levels fall to zero.", _REST, rule="R8", unit="s"),
    ] = UNSET
    say: Annotated[
        str | UnsetType,
        key("Words for the screen while motors run or rest.", _POWERED, _REST, letters=400),
    ] = UNSET
    breathe: Annotated[
        Breathe | UnsetType,
        key(
            "Breathing cues, such as `{in: 4, out: 6}`.",
            _POWERED,
            _GUIDED,
            said="1 to 20 s each",
        ),
    ] = UNSET
    bell: Annotated[
        bool, key("Ring the terminal's bell when the step begins.", _POWERED, _GUIDED)
    ] = False
    each_side: Annotated[
        bool,
        key(
            "Play it on the left, then on the right; turning is mirrored. A duration is for each side.",
            _POWERED,
            _GUIDED,
            _BLOCK,
        ),
    ] = False
    repeat: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_REPEAT)],
        key(
            "So many times.",
            _POWERED,
            _GUIDED,
            _BLOCK,
            said=f"{MAX_STEPS:,} steps in all".replace(",", " "),
        ),
    ] = 1
    steps: Annotated[
        list[StepFile] | UnsetType,
        key("A block of steps, for `repeat` and `each_side`.", _BLOCK, said=f"{MAX_NESTING} deep"),
    ] = UNSET


class ProfileFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A massager-ctl session profile."""

    id: Annotated[
        str | UnsetType,
        key(
            "The name to play it by.",
            letters=40,
            said="40 of a to z, 0 to 9, hyphen",
            default="the file's name",
        ),
    ] = UNSET
    title: Annotated[str, key("What lists and screens call it.", letters=60)]
    summary: Annotated[str | UnsetType, key("One or two sentences.", letters=400)] = UNSET
    technique: Annotated[
        Texts | UnsetType, key("The techniques it follows.", letters=8, said="K1 to K10")
    ] = UNSET
    rules: Annotated[
        Texts | UnsetType, key("The rules it rests on.", letters=8, said="such as P1, Z2, T1")
    ] = UNSET
    tags: Annotated[
        Texts | UnsetType, key("What people come with.", letters=30, said="50 of 30 letters")
    ] = UNSET
    not_for: Annotated[
        Texts | UnsetType, key("Who should not use it.", letters=200, said="50 of 200 letters")
    ] = UNSET
    cap: Annotated[
        Annotated[float, Meta(ge=1, le=USER_CAP_MAX)],
        key(
            "The most that any zone may reach, percent of rated output (R1). Personal caps may lower it.",
            rule="R1",
            unit="%",
        ),
    ]
    ramp: Annotated[
        Annotated[float, Meta(ge=RAMP_MIN_S, le=RAMP_MAX_S)] | DurationText,
        key(
            "Running time after which the cap may be reached (R2). May be longer than the profile.",
            rule="R2",
            unit="s",
            default=f"{RAMP_MIN_S:g}",
        ),
    ] = RAMP_MIN_S
    duration: Annotated[
        Annotated[float, Meta(ge=1, le=SESSION_LIMIT_S)] | DurationText | UnsetType,
        key(
            "The whole session. Without it the steps must add up to 15 minutes at most (R8).",
            rule="R8",
            unit="s",
            default="the sum of the steps",
        ),
    ] = UNSET
    warm_up: Annotated[
        Annotated[float, Meta(ge=WARM_S, le=600)] | DurationText | UnsetType,
        key(
            "A gentle first step over all zones that the profile uses, at 10 % (P5).",
            rule="P5",
            unit="s",
            default="none",
        ),
    ] = UNSET
    fade: Annotated[
        Annotated[float, Meta(ge=FADE_MIN_S, le=FADE_MAX_S)] | DurationText,
        key(
            "How long the last powered part takes to fade to zero (R8).",
            rule="R8",
            unit="s",
            default="8",
        ),
    ] = 8.0
    heat: Annotated[
        Heat | UnsetType,
        key("Heat target for all powered steps (R11).", rule="R11", unit="°C", default="off"),
    ] = UNSET
    steps: Annotated[
        list[StepFile], key("What happens, in order.", said=f"1 to {MAX_STEPS:,}".replace(",", " "))
    ]


SCHEMA_ID: Final = "urn:massager-ctl:profile-format:1"
"""The name of the schema; a later format that reads other files has another."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, for editors. The proof (R20) checks far more than any schema can."""
    schema = msgspec.json.schema(ProfileFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "massager-ctl profile",
        **schema,
    }
