"""Nothing that a device or a request says reaches a page or a script raw."""

from __future__ import annotations

import json

import pytest

from tests.e2e.web.harness import page, rig
from tests.support.hostile import harmless, harmless_values

SERIAL = "%1B%5B2J%07%7F%08"
"""ESC [ 2 J, BEL, DEL, BS: as many as a serial number holds."""


@pytest.mark.asyncio
async def test_every_answer_and_picture_about_a_hostile_device() -> None:
    async with rig(options=f"serial={SERIAL}") as made, page(made) as phone:
        made.let()
        assert (await made.stamped("start", phone, profile="\x1b[2J\u202e")).status == 400
        assert (await made.stamped("start", phone, profile="gentle")).status == 200
        await phone.until(lambda picture: picture["status"]["phase"] == "running")
        for method, path in (
            ("GET", "/v1/devices"),
            ("GET", "/v1/devices/neck"),
            ("GET", "/v1/devices/neck/status"),
            ("GET", "/v1/devices/%1B%5B2J%E2%80%AE"),
            ("GET", "/v1/profiles/%1B%5B2J%E2%80%AE"),
            ("GET", "/v1/history?device=%1B%5B2J%E2%80%AE"),
            ("POST", "/v1/devices/neck/stop"),
            ("GET", "/v1/history"),
        ):
            body = (await made.ask(method, path)).body.decode()
            harmless(body, 200_000)
            harmless_values(json.loads(body))
        for text in ("\x1b[2J\u202e", "A" * 10_000):
            for body in ({text: 1}, {"level": text}, {"request": text}):
                refused = await made.ask("POST", "/v1/devices/neck/set", body)
                assert refused.status in (400, 413)
                harmless(refused.body.decode(), 20_000)
                harmless_values(refused.json)
        for picture in phone.pictures:
            harmless_values(picture)
        assert any(
            "\\u001b[2J" in picture["status"]["info"]["serial"] for picture in phone.pictures
        )
