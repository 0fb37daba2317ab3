"""`massager-ctl report`: sessions, pain reports and their trend as one HTML page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click


@click.command(
    "report",
    epilog="""\b
Examples:
  massager-ctl report
  massager-ctl report -o sessions.html
  massager-ctl report -o sessions.html --force""",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Where to write it.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def report(output: Path, force: bool) -> None:
    """Write your sessions and pain reports as one HTML page, for yourself or for a doctor."""
    from massager_ctl import config as settings
    from massager_ctl.cli.history_record import read_record
    from massager_ctl.cli.report_page import page
    from massager_ctl.errors import InputError

    text = page(read_record(settings.data_path()), datetime.now().astimezone())
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"{output}: the file exists",
            "Name another one with -o, or write over it with --force.",
        ) from None
    except OSError as error:
        raise InputError(
            f"{output}: cannot be written ({error.strerror})", "Name another file with -o."
        ) from None
    click.echo(f"Written to {output}")
