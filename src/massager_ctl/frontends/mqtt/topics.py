"""Every topic and command, defined once: code, discovery and docs/reference/mqtt.md use these tables."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.safety.remote_start import Need


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
        retained=True,
        qos=1,
        payload='`{"state": "online", "session": …}`',
        meaning="Whether the service runs; its will says `offline`. The session is the number of a connection.",
    ),
    Leaf.LINK: TopicForm(
        retained=True,
        qos=1,
        payload="`online` or `offline`",
        meaning="Whether the service has a link to the device.",
    ),
    Leaf.STATE: TopicForm(
        retained=True,
        qos=1,
        payload="JSON",
        meaning="The whole status, at once on a change that matters.",
    ),
    Leaf.EVENT: TopicForm(
        retained=False,
        qos=1,
        payload="JSON with `event_type`",
        meaning="An event; see the table of events.",
    ),
    Leaf.NONCE: TopicForm(
        retained=True,
        qos=1,
        payload='`{"nonce": …}`',
        meaning="What the next start or raise has to carry.",
    ),
    Leaf.ECHO: TopicForm(
        retained=False,
        qos=0,
        payload="text",
        meaning="The service's own, each second: it checks that the broker delivers it.",
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
    PRESENCE = "presence"
    LEVEL = "level"
    PROFILE = "profile"
    DURATION = "duration"
    DIRECTION = "direction"
    HEAT = "heat"


class CommandForm(Struct, frozen=True):
    """The most that a command needs (R18), its value `v`, and what it does."""

    need: Need
    value: str
    meaning: str

    @property
    def qos(self) -> int:
        """How to send it: what raises must never be kept for later, what lowers must arrive."""
        return 1 if self.need is Need.FREE else 0


COMMANDS: Final[dict[Name, CommandForm]] = {
    Name.START: CommandForm(
        Need.START,
        '`"PRESS"` for the chosen profile, a profile\'s id, `"manual"`, or `{"profile": …, "cap": …}`',
        "Start a session. A person at the machine has to be ready.",
    ),
    Name.STOP: CommandForm(
        Need.FREE, "anything, even nothing", "Stop now and confirm it. Retained: once, and cleared."
    ),
    Name.PAUSE: CommandForm(Need.FREE, "anything", "All to zero; at most four minutes (R8)."),
    Name.RESUME: CommandForm(Need.RAISE, "anything", "Resume, climbing from zero."),
    Name.EASE: CommandForm(
        Need.FREE, "anything, or points", "Lower every zone a little: 5 points."
    ),
    Name.UNDO_EASE: CommandForm(Need.RAISE, "anything", "Undo one ease."),
    Name.FADE: CommandForm(Need.FREE, "anything", "Fade out and end the session."),
    Name.PAIN: CommandForm(
        Need.FREE,
        "anything",
        "Stop, and lock until a person at the machine has said what it was (R22).",
    ),
    Name.PRESENCE: CommandForm(Need.RAISE, "anything", "A person is there (R23)."),
    Name.LEVEL: CommandForm(
        Need.RAISE,
        "a number, percent",
        "At `level/ZONE` or `level/all`: aim at it, in manual control. Lower needs nothing.",
    ),
    Name.PROFILE: CommandForm(
        Need.RAISE,
        "a profile's title or id; `By hand` or `manual`",
        "What a start will play; changes nothing now.",
    ),
    Name.DURATION: CommandForm(
        Need.RAISE, "1 to 15, minutes", "How long manual control will last."
    ),
    Name.DIRECTION: CommandForm(
        Need.RAISE,
        "`vibration`, `clockwise`, `counterclockwise` or `alternating`",
        "Kneading, in manual control; `vibration` is vibration only.",
    ),
    Name.HEAT: CommandForm(
        Need.RAISE, "`off`, or 35 to 39, °C", "Heat, in manual control. Off needs nothing."
    ),
}

NEED_WORDS: Final[dict[Need, str]] = {
    Need.FREE: "nothing",
    Need.RAISE: "nonce and time",
    Need.START: "nonce, time, `ready`",
}


class EventType(StrEnum):
    """Values of `event_type` in `event`."""

    STARTED = "started"
    CLAMPED = "clamped"
    FINISHED = "finished"
    STOPPED = "stopped"
    DEAD_MAN = "dead_man"
    ESTOP = "estop"
    REJECTED = "rejected"
    PRESENCE_DUE = "presence_due"
    PROBLEM = "problem"


EVENTS: Final[dict[EventType, str]] = {
    EventType.STARTED: "A session has started, over MQTT or at the machine.",
    EventType.CLAMPED: "The request was reduced; `text` says what and why.",
    EventType.FINISHED: "It was played to its end.",
    EventType.STOPPED: "It ended before that: `reason`; `confirmed` by the device or not; `remedy`, what to do.",
    EventType.DEAD_MAN: "The device received nothing for too long and stopped (R4).",
    EventType.ESTOP: "The device has latched; `remedy` says what to do at the machine (R7).",
    EventType.REJECTED: "A command had no effect: `why`, `text`, `remedy`; `skew_s` of clocks; `count` in a flood.",
    EventType.PRESENCE_DUE: "Presence is due within 30 seconds (R23).",
    EventType.PROBLEM: "There is a problem; `text` says which, `remedy` what to do.",
}

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_id(text: str) -> str:
    """The name of a device in topics and entity ids: small letters, digits, `_` and `-`. InputError otherwise."""
    if not _ID.fullmatch(text):
        raise InputError(
            f"'{text}' is not a name for a device",
            "Use small letters, digits, `_` and `-`, for example `neck=serial:/dev/ttyUSB0`.",
        )
    return text


def id_from_address(address: str) -> str:
    """The default name of a device: the same each time."""
    plain = re.sub(r"[^a-z0-9]+", "_", address.partition("?")[0].lower()).strip("_")
    return plain[:64] or "massager"


class Topics:
    """The topics of one device. `prefix`: the base, `massager`; `discovery`: Home Assistant's own."""

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
        """The filter for every command."""
        return f"{self._base}/cmd/#"

    def named(self, topic: str) -> str | None:
        """What follows `cmd/` in a topic; None if it is not a command of this device."""
        head = f"{self._base}/cmd/"
        return topic[len(head) :] if topic.startswith(head) else None

    @property
    def discovered(self) -> tuple[str, ...]:
        """Filters for all discovery messages of this device, in either form."""
        return self.device_config, self.entity_config("+", "+")

    @property
    def own(self) -> str:
        """The filter for everything of this device."""
        return f"{self._base}/#"

    @property
    def birth(self) -> str:
        """The topic on which Home Assistant announces its start."""
        return f"{self.discovery}/status"

    @property
    def device_config(self) -> str:
        return f"{self.discovery}/device/{self.device}/config"

    def entity_config(self, platform: str, key: str) -> str:
        """One entity's own topic, for releases before 2024.11."""
        return f"{self.discovery}/{platform}/{self.device}/{key}/config"


def topics_table() -> str:
    """The table of published topics, for the reference."""
    rows = [
        f"| `massager/<id>/{leaf}` | {form.payload} | {'yes' if form.retained else 'no'} | {form.qos} |"
        f" {form.meaning} |"
        for leaf, form in TOPICS.items()
    ]
    return "\n".join(
        ["| topic | payload | retained | QoS | meaning |", "|---|---|---|---|---|", *rows]
    )


def commands_table() -> str:
    """The table of commands, for the reference."""
    rows = [
        f"| `massager/<id>/cmd/{name}` | {form.value} | {NEED_WORDS[form.need]} | {form.qos} | {form.meaning} |"
        for name, form in COMMANDS.items()
    ]
    return "\n".join(
        ["| topic | `v` | needs | send with QoS | does |", "|---|---|---|---|---|", *rows]
    )


def events_table() -> str:
    """The table of events, for the reference."""
    rows = [f"| `{kind}` | {meaning} |" for kind, meaning in EVENTS.items()]
    return "\n".join(["| `event_type` | meaning |", "|---|---|", *rows])
