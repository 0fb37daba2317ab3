"""`massager-ctl config`: the settings, where each comes from, and a safe way to edit them (R1)."""

from __future__ import annotations

from typing import Final

import click

from massager_ctl.cli.border import json_text
from massager_ctl.errors import ConfigError, ExitCode, InputError

TEMPLATE: Final = """\
# Settings of massager-ctl. What is left out has its default.
# See `massager-ctl config show` for what is in force.

# The device that is used when none is named: sim:, serial:/dev/ttyUSB0,
# ble:NAME, tcp:HOST:PORT, or auto.
# device = "sim:"

[devices]
# Names for devices, good wherever one is named.
# neck = "serial:/dev/serial/by-id/usb-..."

[limits]
# Your own cap in percent, 0 to 70. It only ever lowers what is allowed.
# user_cap = 40
# Let the dose count for the built-in simulator too.
# count_simulated = false

[mqtt]
# The broker that `massager-ctl serve` uses. Better than a password here:
# the environment's MASSAGER_CTL_MQTT_PASSWORD.
# host = "broker.local"
# port = 1883
# username = "massager"
# tls = false
# prefix = "massager"
# discovery_prefix = "homeassistant"
"""


@click.group(
    "config",
    epilog="""\b
Examples:
  massager-ctl config show
  massager-ctl config edit
  massager-ctl config path""",
)
def config() -> None:
    """Show, find or edit the settings."""


@config.command("path")
def path() -> None:
    """Print where the settings file is, or would be."""
    from massager_ctl.config import config_path

    click.echo(config_path())


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """Show every setting, its value and where it comes from. A password is not shown."""
    from massager_ctl.config import load

    loaded = load()
    rows = [(name, _shown(name, value), source) for name, value, source in loaded.rows()]
    if as_json:
        found = {
            "path": str(loaded.path),
            "data": str(loaded.data),
            "settings": {name: {"value": value, "source": source} for name, value, source in rows},
        }
        click.echo(json_text(found))
        return
    width = max(len(name) for name, _, _ in rows)
    values = ["(not set)" if value is None else str(value) for _, value, _ in rows]
    wide = max(len(value) for value in values)
    for (name, _, source), value in zip(rows, values, strict=True):
        click.echo(f"{name:<{width}}  {value:<{wide}}  {source}")
    click.echo(f"\nSettings file: {loaded.path}{'' if loaded.path.exists() else ' (not there)'}")
    click.echo(f"Data folder:   {loaded.data}")


def _shown(name: str, value: object) -> object:
    return "(hidden)" if name == "mqtt.password" and value is not None else value


def _edited(text: str) -> str | None:
    """The text as the editor leaves it; None if it was not saved. Raises InputError."""
    try:
        return click.edit(text, extension=".toml", require_save=True)
    except UnicodeDecodeError as error:
        raise InputError(
            f"what the editor saved is not UTF-8 text ({error.reason})", "Let it save UTF-8."
        ) from None
    except ValueError as error:
        raise InputError(
            f"the editor's command cannot be read ({error})", "Correct $VISUAL or $EDITOR."
        ) from None


@config.command("edit")
def edit() -> int:
    """Edit the settings in your editor ($VISUAL, $EDITOR). A file with a mistake in it is not kept."""
    from massager_ctl.config import SIZE_MAX, config_path, load

    try:
        target = config_path().resolve()  # a link stays a link
    except RuntimeError as error:  # links in a circle, before Python 3.13
        raise ConfigError(f"{config_path()}: {error}", "Move it away first.") from None
    try:
        text = target.read_text(encoding="utf-8-sig") if target.exists() else TEMPLATE
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{target}: cannot be read ({error})", "Move it away first.") from None
    new = target.with_name(f".{target.name}.new")
    while True:
        edited = _edited(text)
        if edited is None or (edited == text and target.exists()):
            click.echo("Nothing was changed.")
            return ExitCode.OK
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(edited[: SIZE_MAX + 1], encoding="utf-8")
            new.chmod(0o600)
            load(new, env={})
            new.replace(target)
        except OSError as error:
            raise InputError(
                f"{target}: cannot be written ({error.strerror})", "Check its permissions."
            ) from None
        except ConfigError as error:
            click.echo(error.message.replace(str(new), str(target)), err=True)
            text = edited
            if not click.confirm("Edit it again? Otherwise it is not kept."):
                return error.exit_code
        else:
            click.echo(f"Saved to {target}")
            return ExitCode.OK
        finally:
            new.unlink(missing_ok=True)
