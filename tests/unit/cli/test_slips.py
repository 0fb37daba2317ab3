"""What people write by habit is answered with the way to write it; a password is never repeated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from massager_ctl.cli.root import run_command_line
from massager_ctl.config import load
from massager_ctl.errors import ConfigError, ExitCode, InputError, IntensityError, ProfileError
from massager_ctl.frontends.mqtt.settings import broker_settings
from massager_ctl.model.units import number_hint, parse_intensity
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.library import find, personal_folder
from massager_ctl.profile.new import compose


def refused(text: str, folder: Path) -> ConfigError:
    path = folder / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as found:
        load(path, env={})
    return found.value


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("030", "Write 30."),
        ("30,5", "Write 30.5, with a point."),
        ("30%", "Write 30, without the %."),
        ('"30"', "Write 30."),
        ("'30 %'", "Write 30, without the %."),
    ],
)
def test_a_number_in_the_settings(written: str, hint: str, tmp_path: Path) -> None:
    assert hint in refused(f"[limits]\nuser_cap = {written}\n", tmp_path).remedy


@pytest.mark.parametrize(
    ("written", "hint"), [("30%", "write 30, without the %"), ("30,5", "write 30.5, with a point")]
)
def test_a_number_in_a_profile(written: str, hint: str) -> None:
    text = (
        f"title: E\nsummary: x\ntags: [a]\nnot_for: [b]\ncap: {written}\nduration: 8 min\n"
        "steps:\n  - zones: neck\n    motion: knead\n"
    )
    with pytest.raises(ProfileError, match=hint):
        load_text(text, "e.yaml")
    assert load_text(text.replace(written, "030"), "e.yaml").cap == 30


def test_a_number_on_the_command_line() -> None:
    assert parse_intensity("030") == parse_intensity("30%") == 30
    with pytest.raises(IntensityError) as found:
        parse_intensity("30,5")
    assert "Write 30.5, with a point." in found.value.remedy
    assert [number_hint(text) for text in ("", "much", "nan", "1e999", "3,5,5")] == [""] * 5


@pytest.mark.parametrize("number", ["1_0", "１０", "nan"])
@pytest.mark.parametrize(
    "command",
    [
        "manual --plain --device sim: --minutes",
        "manual --plain --device sim: --cap",
        "run restorative --device sim: --cap",
        "run restorative --device sim: --speed",
        "run restorative --device sim: --seed",
        "profiles show restorative --cap",
        "scan --seconds",
        "history --limit",
        "serve --port",
    ],
)
def test_r19_what_only_looks_like_a_number_is_refused(
    command: str, number: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*command.split(), number]) == ExitCode.USAGE
    assert number in capfd.readouterr().err


def test_a_password_with_a_hash_is_explained_and_never_repeated(tmp_path: Path) -> None:
    error = refused('[mqtt]\nhost = "h"\npassword = se#cret\n', tmp_path)
    assert "quotation marks" in error.remedy
    assert "#" in error.remedy
    assert "se#" not in str(error) + error.remedy
    for url in ("mqtt://ann:se#cret@h", "mqtt://ann:se/cret@h", "mqtt://ann:se@cret@h:1883"):
        with pytest.raises(InputError) as found:
            broker_settings(load(env={}).mqtt, url)
        said = found.value.message + found.value.remedy
        assert "%23" in said
        assert "se#" not in said
        assert "cret" not in said
    with pytest.raises(InputError) as found:
        broker_settings(load(env={}).mqtt, "mqtt://h:secret")
    assert "secret" not in found.value.message + found.value.remedy
    good = broker_settings(load(env={}).mqtt, "mqtt://ann:se%23cret@h")
    assert good is not None
    assert good.password == "se#cret"


def test_a_name_with_a_space_is_told_what_to_do(tmp_path: Path) -> None:
    error = refused('[devices]\n"my neck" = "sim:"\n', tmp_path)
    assert "small letters, digits, _ and -" in error.message
    assert "regex" not in error.message
    with pytest.raises(InputError) as found:
        compose("My evening!", 8, ["neck"], "gentle")
    assert "`my-evening`" in found.value.remedy


def test_a_pipe_among_the_profiles_is_skipped_with_a_word(
    own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    personal_folder().mkdir(parents=True, exist_ok=True)
    pipe = personal_folder() / "pipe.yaml"
    os.mkfifo(pipe)
    assert run_command_line(["profiles", "list"]) == 0
    assert "pipe.yaml: skipped, because it is not an ordinary file" in capsys.readouterr().err
    with pytest.raises(ProfileError, match="not an ordinary file"):
        find(str(pipe))
