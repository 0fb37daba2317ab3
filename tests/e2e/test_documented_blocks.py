"""Every console block of the documentation is followed, page by page, by a reader with a fresh home."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.learn_devices.capture import capture
from tests.learn_devices.device import make
from tests.support.console_desk import Desk
from tests.support.console_page import blocks, pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(ROOT)

pytestmark = [pytest.mark.checkout, pytest.mark.unmeasured]


@pytest.fixture
def desk() -> Iterator[Desk]:
    # Short: the path of a Unix socket holds about a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="mctl-"))
    try:
        with Desk(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder)


def a_capture(desk: Desk) -> None:
    """A phone's log and what was done meanwhile, of a made-up massager where the page has a real one."""
    log, labels = capture(make(0), desk.home)
    log.rename(desk.home / "btsnoop_hci.log")
    labels.rename(desk.home / "did.txt")


def a_broker(desk: Desk) -> None:
    """The broker of the house, and the settings of its clients, which name its port."""
    port = desk.port("1883")
    for program in ("mosquitto_sub", "mosquitto_pub"):
        (desk.home / ".config").mkdir(exist_ok=True)
        (desk.home / ".config" / program).write_text(f"-p {port}\n")
    desk.open(f"mosquitto -p {port}").hears("running")


GROUND: dict[str, Callable[[Desk], None]] = {
    "docs/how-to/learn-a-device.md": a_capture,
    "docs/how-to/home-assistant.md": a_broker,
}
"""What the reader of a page has before its first block."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_reader_can_follow_it(page: Path, desk: Desk) -> None:
    GROUND.get(str(page.relative_to(ROOT)), lambda _: None)(desk)
    followed = 0
    for block in blocks(page, ROOT):
        if block.why_not is None:
            missing = [program for program in block.needs if shutil.which(program) is None]
            if missing:
                pytest.skip(f"{block.where} needs {', '.join(missing)}")
            desk.follow(block)
            followed += 1
    assert followed or all(block.why_not for block in blocks(page, ROOT))


def page_of(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```console\n$ false\n```\n", "page.md:1: `false` ended with 1"),
        ("```sh\nfalse\ntrue\n```\n", "ended with 1"),
        ("<!-- run: exit=3 -->\n```console\n$ true\n```\n", "ended with 0"),
        ("```console\n$ echo two\none\n```\n", "'one' in two"),
        (
            '<!-- run: when=name type=Ann↵ -->\n```sh\nread -p name x; [ "$x" = Bob ]\n```\n',
            "with 1",
        ),
    ],
)
def test_a_page_that_is_wrong_is_found(
    text: str, complaint: str, desk: Desk, tmp_path: Path
) -> None:
    (block,) = blocks(page_of(tmp_path, text), tmp_path)
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        desk.follow(block)


def test_a_mark_that_says_nothing_is_refused(tmp_path: Path) -> None:
    page = page_of(tmp_path, "<!-- run: sometimes=yes -->\n```sh\ntrue\n```\n")
    with pytest.raises(ValueError, match="nothing is called 'sometimes'"):
        list(blocks(page, tmp_path))
    page = page_of(tmp_path, "<!-- not run: needs hands -->\n```sh\ntrue\n```\n")
    assert [block.why_not for block in blocks(page, tmp_path)] == ["needs hands"]
