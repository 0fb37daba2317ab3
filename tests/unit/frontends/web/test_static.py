"""The page's files: small, checked by the TypeScript compiler, and one catalogue of words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import massager_ctl.frontends.web

STATIC = Path(massager_ctl.frontends.web.__file__).parent / "static"
MODULES = sorted(STATIC.glob("*.js"))


def test_the_whole_page_is_below_60_kb() -> None:
    assert sum(file.stat().st_size for file in STATIC.iterdir()) < 60_000


@pytest.mark.slow
@pytest.mark.needs("tsc")
def test_the_types_fit() -> None:
    done = subprocess.run(
        [
            *("tsc", "--checkJs", "--allowJs", "--noEmit", "--strict"),
            *("--noImplicitAny", "false", "--strictNullChecks", "false"),
            *("--target", "es2022", "--module", "es2022", "--moduleResolution", "node"),
            *("--lib", "es2022,dom,dom.iterable", *map(str, MODULES)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_comes_from_elsewhere_or_runs_inline() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        for url in re.findall(r"https?://[^\s\"'`)]+", text):
            assert url in ("http://www.w3.org/2000/svg",), (file.name, url)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=|\sstyle=", page)
    assert "user-scalable" not in page


def test_every_word_of_the_catalogue_is_used() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in MODULES if file.name != "texts.js")
    catalogue = (STATIC / "texts.js").read_text(encoding="utf-8")
    for name in re.findall(r"^\t(\w+): ", catalogue, re.MULTILINE):
        assert re.search(rf"texts\.{name}\b", code), name
