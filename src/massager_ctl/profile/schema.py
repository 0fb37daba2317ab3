"""The profile format as types: the JSON Schema for editors and the reference page are made from them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Seconds = (
    Annotated[float, Meta(gt=0, le=1800)]
    | Annotated[
        str, Meta(pattern=r"^\s*([0-9.]+\s*(min|minutes?|m))?\s*([0-9.]+\s*(s|sec|seconds?))?\s*$")
    ]
)
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
Percent = Annotated[float, Meta(gt=0, le=70)]
Keyframe = Annotated[list[Annotated[float, Meta(ge=0)]], Meta(min_length=2, max_length=2)]


class Breathe(Struct, forbid_unknown_fields=True):
    """A breathing rhythm."""

    in_s: Annotated[
        Annotated[float, Meta(ge=1, le=20)] | str,
        Meta(description="Seconds to breathe in.", extra={"range": "1 to 20 s"}),
    ] = msgspec.field(name="in")
    out_s: Annotated[
        Annotated[float, Meta(ge=1, le=20)] | str,
        Meta(description="Seconds to breathe out.", extra={"range": "1 to 20 s"}),
    ] = msgspec.field(name="out")


class StepFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """One step: powered (`zones`), by hand (`guide`), a pause (`rest`) or a block of steps (`steps`)."""

    title: Annotated[
        str | UnsetType,
        Meta(
            description="What the screen calls the step.",
            extra={"for": "any but a block", "range": "40 letters"},
        ),
    ] = UNSET
    zones: Annotated[
        ZoneName | list[ZoneName] | UnsetType,
        Meta(
            description="Where. In a guided step the only places to name beside these are `scalene` and `scm`.",
            extra={"for": "powered, guided", "range": "zones or groups"},
        ),
    ] = UNSET
    motion: Annotated[
        Literal["vibrate", "knead", "glide", "circle", "hold"] | UnsetType,
        Meta(
            description="How the device plays the level.",
            extra={"for": "powered", "default": "vibrate"},
        ),
    ] = UNSET
    direction: Annotated[
        Literal["none", "cw", "ccw", "alternate", "up", "down"] | UnsetType,
        Meta(
            description="Knead and circle: `cw`, `ccw` or `alternate`; glide: `up`, `down` or `alternate`.",
            extra={"for": "powered", "default": "alternate"},
        ),
    ] = UNSET
    level: Annotated[
        Percent | dict[ZoneName, Percent] | UnsetType,
        Meta(
            description="Percent of the rated output to climb to, for all zones or by zone; the rules set the pace.",
            extra={"for": "powered", "range": "0.1 to the zone's bound and the cap, %"},
        ),
    ] = UNSET
    share: Annotated[
        Part | dict[ZoneName, Part] | UnsetType,
        Meta(
            description="The part of what envelope and cap allow at each moment: `0.8` or `80%`.",
            extra={"for": "powered", "range": "0.01 to 1", "default": "1"},
        ),
    ] = UNSET
    keyframes: Annotated[
        list[Keyframe] | dict[ZoneName, list[Keyframe]] | UnsetType,
        Meta(
            description="The curve itself: a list of `[seconds from the step's start, percent]`, proved as it stands.",
            extra={"for": "powered", "range": "rising times"},
        ),
    ] = UNSET
    duration: Annotated[
        Seconds | UnsetType,
        Meta(
            description="How long. Steps without one share what is left of the profile's `duration`.",
            extra={"for": "powered, guided", "range": "0.1 to 1800 s; a hold 10 to 60 s"},
        ),
    ] = UNSET
    repetitions: Annotated[
        Annotated[int, Meta(ge=1, le=600)] | UnsetType,
        Meta(
            description="In place of a duration: so many cycles of `period`.",
            extra={"for": "powered", "range": "1 to 600"},
        ),
    ] = UNSET
    period: Annotated[
        Seconds | UnsetType,
        Meta(
            description="Time of one cycle of the motion.",
            extra={"for": "powered", "range": "1 to 60 s", "default": "5"},
        ),
    ] = UNSET
    heat: Annotated[
        Annotated[float, Meta(ge=30, le=39)] | UnsetType,
        Meta(
            description="Heat target in °C for this step (R11).",
            extra={"for": "powered", "range": "30.0 to 39.0 °C", "default": "the profile's"},
        ),
    ] = UNSET
    guide: Annotated[
        str | UnsetType,
        Meta(
            description="What the person does by hand, with every motor off. `{side}` becomes left or right.",
            extra={"for": "guided", "range": "400 letters"},
        ),
    ] = UNSET
    rest: Annotated[
        Seconds | UnsetType,
        Meta(
            description="A pause of this length; levels fall to zero.",
            extra={"for": "rest", "range": "0.1 to 1800 s"},
        ),
    ] = UNSET
    say: Annotated[
        str | UnsetType,
        Meta(
            description="Words for the screen while motors run or rest.",
            extra={"for": "powered, rest", "range": "400 letters"},
        ),
    ] = UNSET
    breathe: Annotated[
        Breathe | UnsetType,
        Meta(
            description="Breathing cues, such as `{in: 4, out: 6}`.",
            extra={"for": "powered, guided", "range": "1 to 20 s each"},
        ),
    ] = UNSET
    bell: Annotated[
        bool,
        Meta(
            description="Ring the terminal's bell when the step begins.",
            extra={"for": "powered, guided"},
        ),
    ] = False
    each_side: Annotated[
        bool,
        Meta(
            description="Play it on the left, then on the right; turning is mirrored. A duration is for each side.",
            extra={"for": "any but a rest"},
        ),
    ] = False
    repeat: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)],
        Meta(
            description="So many times.",
            extra={"for": "any but a rest", "range": "10 000 steps in all"},
        ),
    ] = 1
    steps: Annotated[
        list[StepFile] | UnsetType,
        Meta(
            description="A block of steps, for `repeat` and `each_side`.",
            extra={"for": "a block", "range": "3 deep"},
        ),
    ] = UNSET


class ProfileFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A massager-ctl session profile."""

    title: Annotated[
        str, Meta(description="What lists and screens call it.", extra={"range": "60 letters"})
    ]
    cap: Annotated[
        Annotated[float, Meta(ge=1, le=70)],
        Meta(
            description="The most that any zone may reach, percent of rated output (R1). Personal caps may lower it.",
            extra={"range": "1 to 70 %"},
        ),
    ]
    steps: Annotated[
        list[StepFile], Meta(description="What happens, in order.", extra={"range": "1 to 10 000"})
    ]
    id: Annotated[
        str | UnsetType,
        Meta(
            description="The name to play it by.",
            extra={"range": "40 of a to z, 0 to 9, hyphen", "default": "the file's name"},
        ),
    ] = UNSET
    summary: Annotated[
        str | UnsetType, Meta(description="One or two sentences.", extra={"range": "400 letters"})
    ] = UNSET
    technique: Annotated[
        Texts | UnsetType,
        Meta(description="The techniques it follows.", extra={"range": "K1 to K10"}),
    ] = UNSET
    rules: Annotated[
        Texts | UnsetType,
        Meta(description="The rules it rests on.", extra={"range": "such as P1, Z2, T1"}),
    ] = UNSET
    tags: Annotated[
        Texts | UnsetType,
        Meta(description="What people come with.", extra={"range": "50 of 30 letters"}),
    ] = UNSET
    not_for: Annotated[
        Texts | UnsetType,
        Meta(description="Who should not use it.", extra={"range": "50 of 200 letters"}),
    ] = UNSET
    ramp: Annotated[
        Seconds,
        Meta(
            description="Running time after which the cap may be reached (R2). May be longer than the profile.",
            extra={"range": "300 to 600 s", "default": "300"},
        ),
    ] = 300.0
    duration: Annotated[
        Seconds | UnsetType,
        Meta(
            description="The whole session. Without it the steps must add up to 15 minutes at most (R8).",
            extra={"range": "1 to 1800 s", "default": "the sum of the steps"},
        ),
    ] = UNSET
    warm_up: Annotated[
        Seconds | UnsetType,
        Meta(
            description="A gentle first step over all zones that the profile uses, at 10 % (P5).",
            extra={"range": "120 to 600 s", "default": "none"},
        ),
    ] = UNSET
    fade: Annotated[
        Seconds,
        Meta(
            description="How long the last powered part takes to fade to zero (R8).",
            extra={"range": "5 to 10 s", "default": "8"},
        ),
    ] = 8.0
    heat: Annotated[
        Annotated[float, Meta(ge=30, le=39)] | UnsetType,
        Meta(
            description="Heat target for all powered steps (R11).",
            extra={"range": "30.0 to 39.0 °C", "default": "off"},
        ),
    ] = UNSET


ROOT_ID: Final = "profile.schema.json"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, for editors. The proof (R20) checks far more than any schema can."""
    schema = msgspec.json.schema(ProfileFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ROOT_ID,
        "title": "massager-ctl profile",
        **schema,
    }
