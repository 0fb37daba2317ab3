"""One connection of a capture, studied whole: where the app writes, what that means, what the device answers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from massager_ctl.drivers.described.uuids import forbidden_target, short_uuid, standard
from massager_ctl.errors import CaptureError
from massager_ctl.learn.answers import Notification, StateForm, find_state
from massager_ctl.learn.capture import Capture, Connection, Message, Op
from massager_ctl.learn.fields import Symbol
from massager_ctl.learn.hypothesis import Doubt, Model, Sent
from massager_ctl.learn.infer import infer
from massager_ctl.learn.labels import Action, Label

_SUBSCRIBE: Final = (b"\x01\x00", b"\x02\x00", b"\x00\x00", b"\x03\x00")
_BLOCK: Final = 16
_ECHO_S: Final = 1.0
"""An echo comes within this."""


class Place(Struct, frozen=True):
    """A characteristic: its handle in the log, and its identity where the log shows it."""

    handle: int
    service: str | None
    uuid: str | None

    def __str__(self) -> str:
        return short_uuid(self.uuid) if self.uuid else f"handle 0x{self.handle:04X}"


class Study(Struct, frozen=True):
    """All that was learned."""

    connection: Connection
    place: Place
    response: bool
    notify: tuple[Place, ...]
    model: Model
    state: StateForm | None
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether no doubt stands."""
        return not any(doubt.stands for doubt in self.doubts)


def written(connection: Connection) -> list[Message]:
    """What the app wrote to characteristics; what switches notifications on is no such thing."""
    known = connection.database.characteristics
    return [
        message
        for message in connection.messages
        if message.op.to_device
        and not (message.value in _SUBSCRIBE and message.handle not in known)
    ]


def check(connection: Connection) -> None:
    """CaptureError where nothing can be learned from a connection, with the reason."""
    if connection.encrypted_air:
        raise CaptureError(
            "the connection was taken from the air and is encrypted: pairing keys are needed",
            "Take the log on the phone (btsnoop_hci.log), which shows what the app sees.",
        )
    if connection.classic:
        raise CaptureError(
            "this is classic Bluetooth, of which nothing is read", "Choose a BLE connection."
        )
    writes = written(connection)
    if not writes:
        raise CaptureError(
            "the app wrote nothing to the device in this connection",
            "Take a log in which you use each level and the stop.",
        )
    if _encrypted([message.value for message in writes]):
        raise CaptureError(
            "what the app writes is encrypted (whole blocks in which no byte stands still): pairing keys are needed",
            "Such a device cannot be learned from a log.",
        )


def _encrypted(values: Sequence[bytes]) -> bool:
    """Whether the values are blocks of a cipher: many, all different, and no byte the same in most."""
    blocks = list({value for value in values if value and len(value) % _BLOCK == 0})
    if len(blocks) < 6 or len(blocks) < 0.8 * len(values):
        return False
    shortest = min(len(value) for value in blocks)
    return all(
        Counter(value[at] for value in blocks).most_common(1)[0][1] <= max(2, len(blocks) // 4)
        for at in range(shortest)
    )


def study(capture: Capture, connection: Connection, labels: Sequence[Label]) -> Study:
    """What one connection teaches. CaptureError where it teaches nothing."""
    check(connection)
    actions = [label for label in labels if label.action is not Action.OTHER]
    if not actions:
        raise CaptureError(
            "nothing was labelled, so nothing is known of what the writes do",
            "Say what you did and when, as in '12.5 level 1'.",
        )
    writes = written(connection)
    handle = _main_handle(writes, labels)
    here = [message for message in writes if message.handle == handle]
    end = connection.closed if connection.closed is not None else capture.length
    # What was done after the connection closed cannot be in it.
    sent = Sent(tuple(message.time for message in here), tuple(message.value for message in here))
    model = infer(sent, labels, end)
    place = place_of(connection, handle)
    notifications = [
        Notification(message.time, message.handle, content)
        for message in connection.messages
        if not message.op.to_device
        and not _shared(connection, message.handle)
        and (content := model.view.content(message.value))
    ]
    notifications, echoed = _without_echoes(notifications, here, model)
    changes = [
        (here[act.writes[0]].time, act.label.level)
        for act in model.timeline.acts
        if act.label.action in (Action.LEVEL, Action.STOP)
    ]
    state = find_state(notifications, changes, _level_bytes(model))
    doubts = [*model.doubts, *_link_doubts(connection, place, writes, model, here)]
    remarks = [*model.remarks]
    if echoed:
        remarks.append(
            "The device answers with what it was sent: that shows that it arrived, not that it was obeyed."
        )
    if state is None or not state.after_stop:
        remarks.append("No answer was found that tells the level after each stop.")
    if capture.cut_off is not None:
        remarks.append("The capture is cut off: what came later is not in it.")
    if connection.messages.dropped:
        remarks.append(f"Only the first {len(connection.messages)} messages were looked at.")
    if capture.shortened:
        doubts.append(
            Doubt("capture", "the phone kept only the beginning of packets: choose the full log")
        )
    handles = sorted({one.handle for one in notifications} | _subscribed(connection))
    return Study(
        connection,
        place,
        sum(message.op is Op.WRITE_REQUEST for message in here) * 2 > len(here),
        tuple(place_of(connection, one) for one in handles),
        model,
        state,
        tuple(doubts),
        tuple(remarks),
    )


def place_of(connection: Connection, handle: int) -> Place:
    """The characteristic of a handle."""
    known = connection.database.characteristics.get(handle)
    return Place(
        handle,
        connection.database.service_of(handle),
        None if known is None else known.uuid,
    )


def _subscribed(connection: Connection) -> set[int]:
    """The characteristics of which the app asked for notifications, whether any came or not."""
    known = connection.database.characteristics
    return {
        max(before)
        for message in connection.messages
        if message.op.to_device and message.value in _SUBSCRIBE[:2] and message.handle not in known
        if (before := [handle for handle in known if handle < message.handle])
    }


def _without_echoes(
    notifications: Sequence[Notification], writes: Sequence[Message], model: Model
) -> tuple[list[Notification], bool]:
    """The notifications that are more than the frame that was just written, and whether there are such as are not."""
    kept: list[Notification] = []
    times = [message.time for message in writes]
    for one in notifications:
        first, last = bisect_left(times, one.time - _ECHO_S), bisect_right(times, one.time)
        if one.frame not in model.contents[first:last]:
            kept.append(one)
    # Now and then a state is by chance as what was sent; an echo always is.
    echoes = len(notifications) - len(kept)
    return (kept, True) if echoes > len(kept) // 4 else (list(notifications), False)


def _shared(connection: Connection, handle: int) -> bool:
    """Whether a characteristic has a meaning of its own on all kinds of devices, as a battery's level: no state."""
    uuid = place_of(connection, handle).uuid
    return uuid is not None and standard(uuid)


def _main_handle(writes: Sequence[Message], labels: Sequence[Label]) -> int:
    """The characteristic that is written to at the labels; the busiest of them."""
    scores: Counter[int] = Counter()
    for message in writes:
        scores[message.handle] += 1
        if any(abs(message.time - label.time) <= 1.0 for label in labels):
            scores[message.handle] += 1000
    return scores.most_common(1)[0][0]


def _level_bytes(model: Model) -> dict[int, bytes]:
    """For each level the one byte in which its frames differ from the others', where there is such."""
    frames = {
        number: symbols[-1]
        for number, symbols in [(0, model.stop), *model.levels.items()]
        if symbols
    }
    flat = {number: _flat(symbol) for number, symbol in frames.items()}
    lengths = {len(one) for one in flat.values()}
    if len(lengths) != 1 or len(flat) < 2:
        return {}
    for at in range(lengths.pop()):
        values = {number: one[at] for number, one in flat.items()}
        if len(set(values.values())) == len(values) and all(0 <= v <= 255 for v in values.values()):
            return {number: bytes((value,)) for number, value in values.items()}
    return {}


def _flat(symbol: Symbol) -> list[int]:
    out: list[int] = []
    for piece in symbol:
        out += list(piece) if isinstance(piece, bytes) else [-1]
    return out


def _link_doubts(
    connection: Connection,
    place: Place,
    writes: Sequence[Message],
    model: Model,
    here: Sequence[Message],
) -> list[Doubt]:
    doubts: list[Doubt] = []
    if not connection.serial:
        if place.uuid is None or place.service is None:
            doubts.append(
                Doubt(
                    "characteristic",
                    f"{place} has no name in this log, as the phone knew the device already: "
                    "switch Bluetooth off and on, or forget the device, before the capture",
                )
            )
        elif why := forbidden_target(place.service, place.uuid):
            doubts.append(Doubt("characteristic", f"nothing is written there: {why}"))
        if not connection.name:
            doubts.append(
                Doubt(
                    "name",
                    "the log does not show what the device advertises; --name gives it",
                    stands=False,
                )
            )
    acts = [here[act.writes[0]].time for act in model.timeline.acts]
    elsewhere = [
        message
        for message in writes
        if message.handle != place.handle and acts and message.time < acts[-1]
    ]
    if elsewhere:
        others = ", ".join(
            sorted({str(place_of(connection, message.handle)) for message in elsewhere})
        )
        doubts.append(Doubt("start", f"the app also writes to {others}, and why is not known"))
    return doubts
