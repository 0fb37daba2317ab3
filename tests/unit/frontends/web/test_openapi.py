"""The API's document is pinned: a change of it shows in the diff of docs/reference/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

from massager_ctl.frontends.web.api import REQUESTS
from massager_ctl.frontends.web.openapi import document, request_schema
from massager_ctl.frontends.web.request_handler import NAMES

PINNED = Path(__file__).parents[4] / "docs" / "reference" / "openapi.json"


def test_the_document_is_the_one_in_the_docs() -> None:
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    made = json.loads(json.dumps(document()))
    assert made == pinned, "run `make docs` and note the change in the CHANGELOG"


def test_it_names_every_request_that_may_come_from_elsewhere() -> None:
    assert {str(kind.__struct_config__.tag) for kind in REQUESTS} == NAMES


def test_a_request_takes_its_own_keys_and_the_stamp() -> None:
    for kind in REQUESTS:
        schema = request_schema(kind)
        assert schema["properties"].keys() >= {"n", "t", "page", "id"}
        assert "request" not in schema["properties"]
        assert schema["additionalProperties"] is False
