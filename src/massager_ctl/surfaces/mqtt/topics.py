"""Every topic and every command, once: code, discovery and docs/reference/mqtt.md are made from these tables."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.safety.remote import Need


class Leaf(StrEnum):
    """What the service publishes, below `massager/<id>/`."""

    AVAILABILITY = "availability"
    LINK = "link"
    STATE = "state"
    EVENT = "event"
    NONCE = "nonce"
    ECHO = "echo"


class TopicForm(Struct, frozen=True):
    """How one of them is published."""

    retained: bool
    qos: int
    payload: str
    meaning: str


TOPICS: Final[dict[Leaf, TopicForm]] = {
    Leaf.AVAILABILITY: TopicForm(
        True, 1, "`online` or `offline`", "Whether the service is there. Its will says `offline`."
    ),
    Leaf.LINK: TopicForm(
        True, 1, "`online` or `offline`", "Whether the service has a link to the device."
    ),
    Leaf.STATE: TopicForm(True, 1, "JSON", "The whole picture, at once on a change that matters."),
    Leaf.EVENT: TopicForm(
        False, 1, "JSON with `event_type`", "Something happened; see the table of events."
    ),
    Leaf.NONCE: TopicForm(True, 1, '`{"nonce": …}`', "What the next start or raise has to carry."),
    Leaf.ECHO: TopicForm(
        False,
        0,
        "text",
        "The service's own, each second: it hears whether the broker passes it on.",
    ),
}


class Name(StrEnum):
    """The commands, below `massager/<id>/cmd/`."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    EASE = "ease"
    UNDO_EASE = "undo_ease"
    FADE = "fade"
    PAIN = "pain"
    SIGN_OF_LIFE = "sign_of_life"
    LEVEL = "level"
    PROFILE = "profile"
    DURATION = "duration"
    DIRECTION = "direction"
    HEAT = "heat"


class CommandForm(Struct, frozen=True):
    """What a command needs at the most (R18), its value `v`, and what it does."""

    need: Need
    value: str
    meaning: str

    @property
    def qos(self) -> int:
        """How it is to be sent: what raises must never be kept for later, what lowers must arrive."""
        return 1 if self.need is Need.FREE else 0


COMMANDS: Final[dict[Name, CommandForm]] = {
    Name.START: CommandForm(
        Need.START,
        '`"PRESS"` for the chosen profile, a profile\'s id, `"manual"`, or `{"profile": …, "cap": …}`',
        "Start a session. Somebody at the machine has to be ready.",
    ),
    Name.STOP: CommandForm(
        Need.FREE, "anything, even nothing", "Stop now and confirm it. Retained: once, and cleared."
    ),
    Name.PAUSE: CommandForm(Need.FREE, "anything", "All to zero; five minutes at the most (R8)."),
    Name.RESUME: CommandForm(Need.RAISE, "anything", "Go on, climbing from zero."),
    Name.EASE: CommandForm(Need.FREE, "anything, or points", "A little less everywhere: 5 points."),
    Name.UNDO_EASE: CommandForm(Need.RAISE, "anything", "Take one ease back."),
    Name.FADE: CommandForm(Need.FREE, "anything", "Fade out and end the session."),
    Name.PAIN: CommandForm(
        Need.FREE,
        "anything",
        "Stop, and lock until somebody at the machine has said what it was (R22).",
    ),
    Name.SIGN_OF_LIFE: CommandForm(Need.RAISE, "anything", "Somebody is there (R23)."),
    Name.LEVEL: CommandForm(
        Need.RAISE,
        "a number, percent",
        "At `level/ZONE` or `level/all`: aim at it, in a session by hand. Lower needs nothing.",
    ),
    Name.PROFILE: CommandForm(
        Need.RAISE, "a profile's id, or `manual`", "What a start will play; changes nothing now."
    ),
    Name.DURATION: CommandForm(
        Need.RAISE, "1 to 15, minutes", "How long a session by hand will last."
    ),
    Name.DIRECTION: CommandForm(
        Need.RAISE,
        "`none`, `cw`, `ccw` or `alternate`",
        "Kneading, in a session by hand; `none` is vibration alone.",
    ),
    Name.HEAT: CommandForm(
        Need.RAISE, "`off`, or 35 to 39, °C", "Heat, in a session by hand. Off needs nothing."
    ),
}

NEED_WORDS: Final[dict[Need, str]] = {
    Need.FREE: "nothing",
    Need.RAISE: "nonce and time",
    Need.START: "nonce, time, `ready`",
}


class EventType(StrEnum):
    """What `event` tells, as `event_type`."""

    STARTED = "started"
    CLAMPED = "clamped"
    FINISHED = "finished"
    STOPPED = "stopped"
    DEAD_MAN = "dead_man"
    ESTOP = "estop"
    REJECTED = "rejected"
    ATTENTION = "attention"
    PROBLEM = "problem"


EVENTS: Final[dict[EventType, str]] = {
    EventType.STARTED: "A session has begun, from here or from elsewhere.",
    EventType.CLAMPED: "Less was taken than was asked for; `text` says what and why.",
    EventType.FINISHED: "It was played to its end.",
    EventType.STOPPED: "It ended before that; `reason` says why, `confirmed` whether the device said so.",
    EventType.DEAD_MAN: "The device heard nothing for too long and stopped by itself (R4).",
    EventType.ESTOP: "The device has latched; it takes a reset at the machine (R7).",
    EventType.REJECTED: "A command had no effect; `why`, `text`, and `skew_s` where clocks differ.",
    EventType.ATTENTION: "A sign of life is wanted within 30 seconds (R23).",
    EventType.PROBLEM: "Something is wrong; `text` says what.",
}

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_id(text: str) -> str:
    """The name of a device in topics and entity ids: small letters, digits, `_` and `-`. InputError otherwise."""
    if not _ID.fullmatch(text):
        raise InputError(
            f"'{text}' is no name for a device",
            "Use small letters, digits, `_` and `-`, for example `neck=serial:/dev/ttyUSB0`.",
        )
    return text


def id_from_address(address: str) -> str:
    """A name for a device that was given none: the same one each time."""
    plain = re.sub(r"[^a-z0-9]+", "_", address.partition("?")[0].lower()).strip("_")
    return plain[:64] or "massager"


class Topics:
    """The topics of one device. `prefix`: the base of all, `massager`; `discovery`: Home Assistant's own."""

    def __init__(self, device: str, prefix: str, discovery: str) -> None:
        self.device = device
        self.discovery = discovery
        self._base = f"{prefix}/{device}"

    def of(self, leaf: Leaf) -> str:
        return f"{self._base}/{leaf}"

    def command(self, name: Name, rest: str = "") -> str:
        return f"{self._base}/cmd/{name}{f'/{rest}' if rest else ''}"

    @property
    def commands(self) -> str:
        """The filter that catches every command."""
        return f"{self._base}/cmd/#"

    def named(self, topic: str) -> str | None:
        """What follows `cmd/` in a topic; None where it is no command of this device."""
        head = f"{self._base}/cmd/"
        return topic[len(head) :] if topic.startswith(head) else None

    @property
    def birth(self) -> str:
        """Where Home Assistant tells that it came up."""
        return f"{self.discovery}/status"

    @property
    def device_config(self) -> str:
        return f"{self.discovery}/device/{self.device}/config"

    def entity_config(self, platform: str, key: str) -> str:
        """One entity's own topic, for releases before 2024.11."""
        return f"{self.discovery}/{platform}/{self.device}/{key}/config"


def topics_table() -> str:
    """What is published, for the reference."""
    rows = [
        f"| `massager/<id>/{leaf}` | {form.payload} | {'yes' if form.retained else 'no'} | {form.qos} |"
        f" {form.meaning} |"
        for leaf, form in TOPICS.items()
    ]
    return "\n".join(
        ["| topic | payload | retained | QoS | meaning |", "|---|---|---|---|---|", *rows]
    )


def commands_table() -> str:
    """What is understood, for the reference."""
    rows = [
        f"| `massager/<id>/cmd/{name}` | {form.value} | {NEED_WORDS[form.need]} | {form.qos} | {form.meaning} |"
        for name, form in COMMANDS.items()
    ]
    return "\n".join(
        ["| topic | `v` | needs | send with QoS | does |", "|---|---|---|---|---|", *rows]
    )


def events_table() -> str:
    """What happens, for the reference."""
    rows = [f"| `{kind}` | {meaning} |" for kind, meaning in EVENTS.items()]
    return "\n".join(["| `event_type` | meaning |", "|---|---|", *rows])
