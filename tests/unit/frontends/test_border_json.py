"""JSON for a broker or a page: no text in it steers, neither as it lies there nor once it is decoded."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.devices import device_info, telemetry
from tests.support.hostile import HOSTILE, harmless, harmless_values

from massager_ctl.errors import MassagerError
from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.mqtt.announcement import Announcement
from massager_ctl.frontends.mqtt.choices import RemoteState
from massager_ctl.frontends.mqtt.discovery import entities
from massager_ctl.frontends.mqtt.publish_queue import PublishQueue
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.frontends.mqtt.state import Advice, Remote, state_document, with_remedy
from massager_ctl.frontends.mqtt.topics import EventType, Leaf, Topics
from massager_ctl.frontends.web.problems import answer, problem_of
from massager_ctl.model.status import Phase, Status
from massager_ctl.model.units import Levels

TOPICS = Topics("neck", "massager", "homeassistant")
CAPS: Levels = (40.0, 40.0, 40.0, 40.0, 40.0, 40.0)
INFO = device_info(serial=HOSTILE, firmware=HOSTILE)


def looked_at(data: bytes) -> Any:
    """The decoded document, once it was found harmless."""
    harmless(data.decode(), 500_000)
    document = json.loads(data)
    harmless_values(document)
    return document


@pytest.mark.parametrize("text", ["plain", "ü ✓ \\u0041 \\n", "two\nlines\tand a tab"])
def test_a_text_that_steers_nothing_arrives_as_it_is(text: str) -> None:
    assert json.loads(visible_json({text: [text, {"a": text}], "n": 1.5})) == {
        text: [text, {"a": text}],
        "n": 1.5,
    }


def test_mqtt_state_and_events() -> None:
    texts = [field.name for field in msgspec.structs.fields(Status) if field.type in (str, "str")]
    status = Status(info=INFO, telemetry=telemetry(), phase=Phase.RUNNING, notes=(HOSTILE,))
    status = msgspec.structs.replace(status, **dict.fromkeys(texts, HOSTILE))
    state = RemoteState()
    state.profiles = {state.choices.profile: HOSTILE}
    remote = Remote(notes=(HOSTILE,))
    advice = Advice(HOSTILE, HOSTILE, problem=True)
    queue = PublishQueue(TOPICS)
    queue.keep(Leaf.STATE, state_document(status, state, remote, advice, CAPS))
    queue.keep(Leaf.LINK, HOSTILE)
    queue.event(EventType.REJECTED, with_remedy(MassagerError(HOSTILE, HOSTILE)) | {"id": HOSTILE})
    published = {}
    while (one := queue.next()) is not None:
        published[one.topic.rpartition("/")[2]] = one.payload
    harmless(published.pop("link").decode(), 200_000)
    documents = {leaf: looked_at(payload) for leaf, payload in published.items()}
    assert "\\u001b[2J" in documents["state"]["title"]
    assert "\\u202e" in documents["event"]["text"]


@pytest.mark.parametrize("form", ["device", "entity"])
def test_mqtt_discovery(form: Any) -> None:
    queue = PublishQueue(TOPICS)
    announcement = Announcement(
        TOPICS, BrokerSettings("127.0.0.1", 1883, discovery=form), queue, "1.0"
    )
    announcement.announce(INFO, entities(TOPICS, INFO, CAPS, [HOSTILE]))
    shown = 0
    while (one := queue.next()) is not None:
        shown += "u001b[2J" in str(looked_at(one.payload))
    assert shown


def test_problems_of_the_page() -> None:
    body = bytes(answer(problem_of(MassagerError(HOSTILE, HOSTILE), HOSTILE)).body)
    assert "\\u001b[2J" in looked_at(body)["detail"]
