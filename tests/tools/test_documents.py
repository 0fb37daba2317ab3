"""Documents that fall behind the code are found."""

from __future__ import annotations

from pathlib import Path

import pytest

import documents
from generated import layers, make_targets

BLOCK = "# Title\n\n<!-- generated: generated:layers -->\n{}<!-- end generated -->\n\nEnd.\n"


def test_a_block_is_filled_from_its_own_source() -> None:
    assert documents.regenerate(BLOCK.format("old\n")) == BLOCK.format(f"{layers()}\n")


def test_a_current_block_stays_as_it_is() -> None:
    text = BLOCK.format(f"{layers()}\n")
    assert documents.regenerate(text) == text


def test_a_block_may_not_run_any_module() -> None:
    text = "<!-- generated: os:getcwd -->\n<!-- end generated -->\n"
    with pytest.raises(ValueError, match="may not come from os"):
        documents.regenerate(text)


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading, with `code`\n")
    text = (
        "[a](other.md) [b](other.md#a-heading-with-code) [c](https://example.org/gone)\n"
        "[d](missing.md) [e](other.md#gone) [f](#nowhere)\n"
        "```\n[g](in-an-example.md)\n```\n"
    )
    dead = documents.dead_links(tmp_path / "page.md", text)
    assert dead == ["missing.md", "other.md#gone", "#nowhere"]


def test_the_make_targets_are_those_of_the_makefile() -> None:
    table = make_targets()
    for target in ("demo", "test", "check", "formal", "bench", "docs", "mutants", "lock"):
        assert f"| `make {target}` |" in table


def test_the_layers_stand_in_order_without_marks() -> None:
    lines = [line.split() for line in layers().splitlines()]
    height = {name: number for number, line in enumerate(lines) for name in line}
    assert height["cli"] < height["drivers"] < height["errors"]
    assert "(" not in layers()


def test_a_generated_file_that_is_out_of_date_or_absent_is_found(tmp_path: Path) -> None:
    absent = documents.out_of_date(tmp_path)
    assert set(absent) == {tmp_path / name for name in documents.FILES}
    for path, text in absent.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert documents.out_of_date(tmp_path) == {}
    (tmp_path / "docs/man/massager-ctl.1").write_text("old")
    assert list(documents.out_of_date(tmp_path)) == [tmp_path / "docs/man/massager-ctl.1"]
