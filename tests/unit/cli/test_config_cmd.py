"""R1 at the command line: settings, their origin, and an edit that never keeps a wrong file."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from massager_ctl.cli.config_cmd import TEMPLATE, config
from massager_ctl.cli.root import run_command_line
from massager_ctl.config import ENV_CONFIG, ENV_DATA, ENV_MQTT_PASSWORD, load
from massager_ctl.errors import ConfigError, ExitCode


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file, named by the environment, with a cap of 30."""
    found = tmp_path / "etc" / "config.toml"
    found.parent.mkdir()
    found.write_text("[limits]\nuser_cap = 30\n")
    monkeypatch.setenv(ENV_CONFIG, str(found))
    monkeypatch.setenv(ENV_DATA, str(tmp_path / "data"))
    return found


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(config, arguments, input=typed, standalone_mode=False)


def edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    """An editor that writes these texts, one at each call."""
    for number, text in enumerate(texts):
        (tmp_path / f"text{number}").write_text(text)
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys, time, os\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "text = sorted(here.glob('text*'))[0]\n"
        "target = pathlib.Path(sys.argv[1])\n"
        "before = target.stat().st_mtime\n"
        "target.write_text(text.read_text())\n"
        "os.utime(target, (before + 5, before + 5))\n"
        "text.unlink()\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")


def test_where_it_is(path: Path) -> None:
    assert run("path").output == f"{path}\n"


def test_each_value_and_its_origin(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_MQTT_PASSWORD, "geheim")
    lines = {line.split()[0]: line for line in run("show").output.splitlines() if line}
    assert lines["limits.user_cap"].split()[1:] == ["30.0", str(path)]
    assert lines["device"].split()[1:] == ["sim:", "default"]
    assert "(hidden)" in lines["mqtt.password"]
    assert "geheim" not in run("show").output + run("show", "--json").output
    found = json.loads(run("show", "--json").output)
    assert found["settings"]["limits.user_cap"] == {"value": 30.0, "source": str(path)}
    assert found["path"] == str(path)


def test_a_wrong_file_is_an_error(path: Path) -> None:
    path.write_text("[limits]\nuser_cap = 99\n")
    assert isinstance(run("show").exception, ConfigError)


def test_an_edit_is_kept_privately(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits(tmp_path, monkeypatch, "[limits]\nuser_cap = 20\n")
    result = run("edit")
    assert result.return_value == 0
    assert load(path, env={}).limits.user_cap == 20.0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_a_mistake_is_not_kept(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits(tmp_path, monkeypatch, "[limits]\nuser_cap = 200\n")
    result = run("edit", typed="n\n")
    assert result.return_value == 2
    assert "limits.user_cap" in result.output
    assert load(path, env={}).limits.user_cap == 30.0


def test_a_mistake_can_be_put_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits(tmp_path, monkeypatch, "[limits]\nuser_cap = 200\n", "[limits]\nuser_cap = 10\n")
    assert run("edit", typed="y\n").return_value == 0
    assert load(path, env={}).limits.user_cap == 10.0


def test_the_same_text_changes_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits(tmp_path, monkeypatch, path.read_text())
    assert "Nothing was changed" in run("edit").output


def test_without_a_file_it_begins_with_a_template_that_is_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.unlink()
    edits(tmp_path, monkeypatch, TEMPLATE)
    assert run("edit").return_value == 0
    assert path.read_text() == TEMPLATE


def test_every_line_of_the_template_is_a_setting(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines()]
    kept = [line for line in lines if line.startswith("[") or " = " in line]
    path = tmp_path / "config.toml"
    path.write_text("\n".join(kept))
    from_file = [name for name, _, source in load(path, env={}).rows() if source == str(path)]
    assert len(from_file) == sum(" = " in line for line in kept) > 5


def test_a_link_stays_a_link(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "elsewhere.toml"
    path.rename(real)
    path.symlink_to(real)
    edits(tmp_path, monkeypatch, "[limits]\nuser_cap = 20\n")
    assert run("edit").return_value == 0
    assert path.is_symlink()
    assert load(real, env={}).limits.user_cap == 20.0


@pytest.mark.parametrize(
    ("editor", "why"),
    [
        (f"{sys.executable} -c \"import sys; open(sys.argv[1], 'wb').write(b'# \\xe4')\"", "UTF-8"),
        ("'", "cannot be read"),
        ("rm", "No such file"),
    ],
)
def test_an_editor_that_goes_wrong_is_an_error_of_its_own(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    editor: str,
    why: str,
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    before = path.read_text()
    assert run_command_line(["config", "edit"]) == ExitCode.USAGE
    assert why in capsys.readouterr().err
    assert path.read_text() == before


def test_settings_that_are_links_in_a_circle_are_an_error(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.unlink()
    path.symlink_to(path.name)
    assert run_command_line(["config", "edit"]) == ExitCode.USAGE
    assert str(path) in capsys.readouterr().err
