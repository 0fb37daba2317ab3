"""A test that needs a program says so where the program is absent, and fails in CI."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

pytest_plugins = ["pytester"]

CONFTEST: Final = (Path(__file__).parents[1] / "conftest.py").read_text()


@pytest.fixture
def run_with(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    def run(program: str, ci: str) -> pytest.RunResult:
        monkeypatch.setenv("CI", ci)
        # All that is installed beside it takes longer than the test.
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        # What the file below imports lies here, also where no path of the environment leads here.
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        pytester.makeconftest(CONFTEST)
        pytester.makeini("[pytest]\nmarkers = needs(program): see above\n")
        pytester.makepyfile(
            f"import pytest\n\n\n@pytest.mark.needs({program!r})\ndef test_it() -> None:\n"
            "    assert 1 + 1 == 2\n"
        )
        return pytester.runpytest_subprocess("-rs", "-p", "pytest_asyncio.plugin")

    return run


def test_it_is_skipped_with_the_reason(run_with) -> None:
    result = run_with("no-such-program", ci="")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no-such-program is not installed: run tools/setup-debian*"])


def test_ci_may_not_skip_it(run_with) -> None:
    run_with("no-such-program", ci="true").assert_outcomes(errors=1)


def test_it_runs_where_the_program_is(run_with) -> None:
    run_with("sh", ci="true").assert_outcomes(passed=1)
