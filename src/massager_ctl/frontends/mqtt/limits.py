"""Checks a broker's limits, and names the remedy before anything is lost silently."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.errors import LinkError
from massager_ctl.frontends.mqtt.settings import BrokerSettings

PACKET_NEEDED: Final = 4096
"""Maximum bytes of a publication in the form `entity`, and of the state."""

PACKET_DEVICE: Final = 32_768
"""Maximum bytes of the message in the form `device`."""


class Limits(Struct, frozen=True):
    """The broker's limits from its answer to CONNECT; MQTT 3.1.1 does not report them."""

    packet_max: int | None = None
    retain: bool = True
    qos_max: int = 1


class BrokerRefused(LinkError):
    """The broker refuses the password, the protocol, a subscription or a publication."""

    code = "broker_refused"


def refusal(code: int, text: str = "") -> BrokerRefused:
    """The broker's answer to CONNECT with its remedy: a code of MQTT 5 or 3.1.1, and the broker's own words."""
    match code:
        case 0x9A:
            return BrokerRefused(
                "the broker keeps no retained messages",
                "State, nonce and discovery need them: set `retain_available true` (Mosquitto), or use another"
                " broker.",
            )
        case 0x9B:
            return BrokerRefused(
                "the broker takes only QoS 0",
                "A stop must arrive: set `max_qos 1` or higher (Mosquitto), or use another broker.",
            )
        case 0x95:
            return BrokerRefused(
                "the broker found a message too large",
                'Raise its `max_packet_size` (Mosquitto), or set `discovery = "entity"` under `[mqtt]`.',
            )
        case 1 | 0x84:
            return BrokerRefused(
                "the broker does not speak this version of MQTT",
                'Set `protocol = "3.1.1"` under `[mqtt]` in the settings, or `"5"`.',
            )
        case 2 | 0x85:
            return BrokerRefused(
                "the broker does not accept this client's id",
                "Its settings limit client ids; let it accept ids that begin with `massager-ctl`.",
            )
        case 3 | 0x88 | 0x89:
            return BrokerRefused("the broker is busy or starting", "It is tried again.")
        case _:
            return BrokerRefused(
                f"the broker refuses this client: {text}",
                "Check `username`, `password` and `protocol` under `[mqtt]` in the settings.",
            )


def check_limits(limits: Limits, settings: BrokerSettings) -> None:
    """Raises BrokerRefused if the broker cannot carry what this service publishes."""
    if not limits.retain:
        raise refusal(0x9A)
    if limits.qos_max < 1:
        raise refusal(0x9B)
    form = settings.discovery
    needed = PACKET_DEVICE if form == "device" else PACKET_NEEDED
    if limits.packet_max is not None and limits.packet_max < needed:
        smaller = ', or set `discovery = "entity"` under `[mqtt]`' if form == "device" else ""
        raise BrokerRefused(
            f"the broker takes packets of at most {limits.packet_max} bytes, and {needed} are needed",
            f"Raise its `max_packet_size` (Mosquitto){smaller}.",
        )
