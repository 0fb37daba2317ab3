"""The generated parts of the profile documents: tables, JSON Schema and pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from massager_ctl.profile.format.load import load_file
from massager_ctl.profile.format.schema import (
    Breathe,
    ProfileFile,
    StepFile,
    json_schema,
    keys_of,
)
from massager_ctl.profile.library import shipped_folder
from massager_ctl.profile.plan.make import Plan, make_plan
from massager_ctl.safety.limits import combine


def profile_keys() -> str:
    """The keys of a profile, as a Markdown table."""
    return _table(ProfileFile, ("key", "range", "default", "meaning"))


def step_keys() -> str:
    """The keys of a step, as a Markdown table."""
    return _table(StepFile, ("key", "for", "range", "default", "meaning"))


def breathe_keys() -> str:
    """The keys of a breathing rhythm, as a Markdown table."""
    return _table(Breathe, ("key", "range", "meaning"))


def shipped() -> str:
    """Every shipped profile with its facts and its picture."""
    parts: list[str] = []
    for plan in shipped_plans():
        minutes, seconds = divmod(round(plan.duration_s), 60)
        length = f"{minutes} min" + (f" {seconds} s" if seconds else "")
        parts.append(
            f"### {plan.title}\n\n"
            f"`massager-ctl run {plan.id}` · {plan.technique} · {length} · cap {plan.cap:g} %"
            f" · ramp {plan.ramp_s / 60:g} min\n\n"
            f"{plan.summary}\n\n"
            f"Rests on {', '.join(plan.rules)}. Tags: {', '.join(plan.tags)}.\n"
            f"Not for: {'; '.join(plan.not_for)}.\n\n"
            f"![{plan.title}: level, envelope and cap of each zone](profiles/{plan.id}.svg)\n"
        )
    return "\n".join(parts)


def shipped_plans() -> list[Plan]:
    """The plans of all shipped profiles under the fixed bounds, by name."""
    paths = sorted(path for path in shipped_folder().iterdir() if path.suffix == ".yaml")
    return [make_plan(load_file(path), combine(())) for path in paths]


def schema_text() -> str:
    """The JSON Schema file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[Path]:
    """Write the JSON Schema and the pictures into docs/reference; returns what was written."""
    from massager_ctl.profile.draw.plot import render

    pictures = folder / "profiles"
    pictures.mkdir(parents=True, exist_ok=True)
    schema = folder / "profile.schema.json"
    schema.write_text(schema_text(), encoding="utf-8")
    written = [schema]
    for plan in shipped_plans():
        picture = pictures / f"{plan.id}.svg"
        picture.write_bytes(render(plan, "svg"))
        written.append(picture)
    return written


def _table(kind: type[msgspec.Struct], columns: tuple[str, ...]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for key in keys_of(kind).values():
        cells: dict[str, str] = {
            "key": f"`{key.name}`" + (" (needed)" if key.needed else ""),
            "for": key.for_steps,
            "range": key.range,
            "default": key.default,
            "meaning": key.description,
        }
        lines.append("| " + " | ".join(cells[column] for column in columns) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        sys.stdout.write(f"{path}: written\n")
