"""`massager-ctl learn`: from a capture of the app to a description of the device; nothing is sent to any device."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from massager_ctl.cli.learn_check import check_command, schema_command, verify_command
from massager_ctl.cli.number import Whole
from massager_ctl.errors import CaptureError, DescriptionError, ExitCode, InputError

if TYPE_CHECKING:
    from massager_ctl.learn.capture import Capture, Connection
    from massager_ctl.learn.labels import Label
    from massager_ctl.learn.study import Study

_BAR_FROM: Final = 4 << 20
_SHOWN_FRAMES: Final = 3


class _Learn(click.Group):
    """`learn CAPTURE` is `learn capture CAPTURE`, so that the usual thing is the shortest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["capture", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(
            ctx, args if args[0] in self.commands else ["capture", *args]
        )


@click.group(
    "learn",
    cls=_Learn,
    epilog="""\b
Examples:
  massager-ctl learn btsnoop_hci.log --list
  massager-ctl learn btsnoop_hci.log --labels did.txt -o mine.yaml
  massager-ctl learn check mine.yaml
  massager-ctl learn verify mine.yaml

A file of labels has a line for each thing that you did: '12.5 level 1',
'20:15:31 stop'. Without it you are asked, one by one.""",
)
def learn() -> None:
    """Learn a device from a capture of its app.

    CAPTURE is an Android btsnoop_hci.log, a pcap or pcapng file with Bluetooth HCI, or a serial capture.
    """


learn.add_command(check_command)
learn.add_command(schema_command)
learn.add_command(verify_command)


@learn.command("capture")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--list", "only_list", is_flag=True, help="List the connections and leave.")
@click.option("--connection", type=Whole(), help="Which connection, by its number in the list.")
@click.option(
    "--labels", type=click.Path(path_type=Path), help="What you did and when, one a line."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.")
@click.option("--title", default="Learned massager", show_default=True, help="What to call it.")
@click.option("--name", help="What it advertises, as in 'Relax*'; else what the log shows.")
@click.option("--zones", default="trapezius", show_default=True, help="Where it works.")
@click.option("--of", type=Whole(1, 100), help="How many levels it has, if not all were captured.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def capture_command(
    capture: Path,
    only_list: bool,
    connection: int | None,
    labels: Path | None,
    output: Path | None,
    title: str,
    name: str | None,
    zones: str,
    of: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """Learn from a capture; the usual form is `learn CAPTURE`."""
    from massager_ctl.learn.read import read_capture, read_connection

    with _progress(capture) as tell:
        found = read_capture(capture, tell)
    if only_list:
        click.echo(_listed_json(found) if as_json else _listed(found))
        return ExitCode.OK
    chosen = _chosen(found, connection)
    if chosen.messages.dropped:
        with _progress(capture) as tell:
            found = read_connection(capture, chosen.number, tell)
        chosen = next(one for one in found.connections if one.number == chosen.number)
    from massager_ctl.learn.study import check

    check(chosen)
    path = output or Path(f"{_identifier(title)}.yaml")
    if path.exists() and not force:
        raise InputError(f"{path} is there already", "Name another file with -o, or use --force.")
    if name is not None:
        chosen.name = name
    given = _labels(found, chosen, labels)
    return _learn(found, chosen, given, path, title, zones, of, as_json)


def _learn(
    capture: Capture,
    connection: Connection,
    labels: tuple[Label, ...],
    path: Path,
    title: str,
    zones: str,
    of: int | None,
    as_json: bool,
) -> int:
    from massager_ctl.drivers.described.load import load_text
    from massager_ctl.learn.propose import propose
    from massager_ctl.learn.study import study

    result = study(capture, connection, labels)
    doubts = [(doubt.part, doubt.why) for doubt in result.doubts if doubt.stands]
    description = None
    proposal = None
    if result.model.levels and result.model.stop:
        proposal = propose(
            result, ident=_identifier(title), title=title, zones=_zones(zones), of=of
        )
        # What is written is read back first, so that no file is left that does not hold.
        try:
            description = load_text(proposal.text, path.name)
        except DescriptionError as error:
            doubts += [("description", problem) for problem in error.problems]
        else:
            doubts = [(unsure.part, unsure.why) for unsure in description.file.unsure]
            _write(path, proposal.text)
    sure = description is not None and description.sure
    if as_json:
        click.echo(
            json.dumps(
                {
                    "sure": sure,
                    "description": None if description is None else str(path),
                    "unsure": [{"part": part, "why": why} for part, why in doubts],
                    "remarks": list(result.remarks),
                    "levels": sorted(result.model.levels),
                    "golden": 0 if proposal is None else proposal.golden,
                }
            )
        )
    else:
        click.echo(_findings(result))
        for part, why in doubts:
            click.echo(f"not sure: {part}: {why}")
        if description is None:
            click.echo("Nothing was written: this is not a device that can be driven.", err=True)
        else:
            click.echo(f"wrote {path}: for the bench only, until each level was seen to work")
    return ExitCode.OK if sure else ExitCode.REFUSED


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}", "Name another file with -o."
        ) from None


def _findings(study: Study) -> str:
    from massager_ctl.learn.lengths import length_field

    timeline, model = study.model.timeline, study.model
    lines = [f"writes to {study.place}, {'with' if study.response else 'without'} receipt"]
    lines.append(f"levels: {', '.join(map(str, sorted(model.levels))) or 'none'}")
    for name, count in model.cutter.counts:
        at = count.spot.at
        where = f"byte {at + 1}" if at >= 0 else f"byte {-at} from the end"
        lines.append(f"counter '{name}': {where}, step {count.field.step}")
    for name, found in model.cutter.sums:
        field = found.field
        poly = f" {field.poly}" if field.poly else ""
        lines.append(f"checksum '{name}': {field.algorithm}{field.width}{poly}")
    if (length := length_field(model.contents)) is not None:
        lines.append(str(length))
    for beat in timeline.beats:
        when = "always" if beat.always else "while it runs"
        lines.append(f"keep-alive: every {beat.every:.2f} s, {when}")
    if timeline.resend is not None:
        lines.append(f"keep-alive: the last command again, every {timeline.resend:.2f} s")
    if study.state is not None and study.state.after_stop:
        lines.append("the device tells its level, also after a stop")
    if abs(timeline.shift) > 0.5:
        lines.append(f"labels lie {timeline.shift:+.1f} s from what was sent")
    lines += list(study.remarks)
    return "\n".join(lines)


@contextmanager
def _progress(path: Path) -> Generator[Callable[[int], None] | None]:
    """A bar for large files on a terminal."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    if size < _BAR_FROM or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=size, label="reading", file=sys.stderr) as bar:
        done = 0

        def tell(position: int) -> None:
            nonlocal done
            bar.update(position - done)
            done = position

        yield tell


def _chosen(capture: Capture, number: int | None) -> Connection:
    """The connection that was named, or the only one that can be meant."""
    if not capture.connections:
        cut = " (the file is cut off)" if capture.cut_off is not None else ""
        raise CaptureError(
            f"there is no connection in this capture{cut}",
            "Switch the log on before you connect, and take the whole file.",
        )
    if number is not None:
        for connection in capture.connections:
            if connection.number == number:
                return connection
        raise CaptureError(f"there is no connection {number}", "See --list.")
    likely = [one for one in capture.connections if one.writes or one.encrypted_air]
    if len(likely) == 1 or not likely:
        return (likely or capture.connections)[0]
    click.echo(_listed(capture), err=True)
    if not sys.stdin.isatty():
        raise InputError(
            "there are several connections with writes", "Choose one with --connection."
        )
    answer: int = click.prompt("Which connection", type=Whole(), err=True)
    return _chosen(capture, answer)


def _labels(capture: Capture, connection: Connection, path: Path | None) -> tuple[Label, ...]:
    from massager_ctl.learn.labels import Label, parse_action, read_labels

    if path is not None:
        return read_labels(path, capture.started)
    from massager_ctl.learn.moments import moments

    if not sys.stdin.isatty():
        raise InputError(
            "nothing says what you did", "Give a file with --labels, or run it in a terminal."
        )
    click.echo("What did you do? 'level 1', 'stop', 'on', or 'other' (Enter).", err=True)
    given: list[Label] = []
    for moment in moments(connection):
        shown = " | ".join(frame.hex(" ") for frame in moment.frames[:_SHOWN_FRAMES])
        while True:
            answer: str = click.prompt(
                f"{moment.time:8.2f} s  {shown}", default="other", show_default=False, err=True
            )
            try:
                given.append(Label(moment.time, *parse_action(answer)))
                break
            except CaptureError as error:
                click.echo(error.remedy, err=True)
    return tuple(given)


def _listed(capture: Capture) -> str:
    from massager_ctl.drivers.described.uuids import short_uuid

    lines: list[str] = []
    for one in capture.connections:
        end = "open" if one.closed is None else f"{one.closed:.1f} s"
        name = one.name or "no name"
        kind = "serial line" if one.serial else f"{one.address or 'address not in the log'}  {name}"
        if one.classic:
            kind += "  classic"
        if one.encrypted_air:
            kind += "  encrypted: pairing keys are needed"
        lines.append(
            f"{one.number:3}  {one.opened:8.1f} s to {end:>9}  {kind}  {one.writes} writes, {one.answers} answers"
        )
        for _, uuid in sorted(one.database.services.values()):
            lines.append(f"       service {short_uuid(uuid)}")
    if capture.cut_off is not None:
        lines.append(f"The capture is cut off or damaged at byte {capture.cut_off}.")
    if capture.shortened:
        lines.append(f"{capture.shortened} packets were kept in part only: choose the full log.")
    return "\n".join(lines) or "no connection"


def _listed_json(capture: Capture) -> str:
    rows: list[dict[str, Any]] = [
        {
            "number": one.number,
            "opened_s": round(one.opened, 3),
            "closed_s": None if one.closed is None else round(one.closed, 3),
            "address": one.address,
            "name": one.name,
            "writes": one.writes,
            "answers": one.answers,
            "services": sorted(uuid for _, uuid in one.database.services.values()),
            "encrypted": one.encrypted_air,
        }
        for one in capture.connections
    ]
    return json.dumps({"connections": rows, "cut_off": capture.cut_off}, ensure_ascii=False)


def _zones(text: str) -> tuple[str, ...]:
    from massager_ctl.model.units import ZONES, Zone
    from massager_ctl.profile.format.fields import GROUPS

    found: set[Zone] = set()
    for name in text.replace(",", " ").split():
        found.update(GROUPS[name] if name in GROUPS else (Zone.parse(name),))
    if not found:
        raise InputError("no zone was named", "Name one, such as trapezius.")
    return tuple(zone.value for zone in ZONES if zone in found)


def _identifier(title: str) -> str:
    import re

    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words)[:40].strip("-") or "learned"
