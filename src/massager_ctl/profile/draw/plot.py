"""Draws a plan with matplotlib, as SVG or PNG; the same plan gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from massager_ctl.errors import InputError
from massager_ctl.profile.draw.drawing import Drawing, Lane, draw
from massager_ctl.profile.plan.timeline import Plan

_LEVEL: Final = "#1f6f8b"
_ENVELOPE: Final = "#8a8a8a"
_CAP: Final = "#b5482a"
_BAND: Final = "#e8dcc4"

_STYLE: Final[dict[str, Any]] = {
    "svg.hashsalt": "massager-ctl",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def save_plot(plan: Plan, path: Path) -> None:
    """Draw `plan` into `path`, SVG or PNG by its suffix.

    Raises InputError if the suffix is another one, matplotlib is missing, or the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in {"svg", "png"}:
        raise InputError(
            f"{path} is neither .svg nor .png", "Name the output file with one of them."
        )
    data = render(plan, kind)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}",
            "Check the folder and its permissions.",
        ) from None


def render(plan: Plan, kind: str) -> bytes:
    """The picture's bytes; `kind` is `svg` or `png`. InputError if matplotlib is missing."""
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            "pictures need matplotlib, and it is not installed",
            "Install it with: pip install 'massager-ctl[plot]'. Without -o the chart is drawn here.",
        ) from None
    from io import BytesIO

    drawing = draw(plan)
    count = max(len(drawing.lanes), 1)
    with cast("Any", mpl).rc_context(_STYLE):
        figure: Any = Figure(figsize=(8.0, 0.9 + 0.95 * count), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        figure.suptitle(f"{drawing.title} ({drawing.duration_s / 60:.3g} min)", fontsize=11)
        for axis in axes:
            _frame(axis, drawing)
        for axis, lane in zip(axes, drawing.lanes, strict=False):
            _lane(axis, lane, drawing.top)
        axes[-1].set_xlabel("minutes")
        if drawing.lanes or drawing.bands:
            _legend(figure, axes[0])
        buffer = BytesIO()
        metadata: dict[str, str | None] = {
            "Title": plan.title,
            "Description": f"plan {plan.hash}",
        }
        if kind == "svg":
            metadata["Date"] = None
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=120)
    return buffer.getvalue()


def _frame(axis: Any, drawing: Drawing) -> None:
    axis.set_xlim(0.0, drawing.duration_s / 60)
    axis.set_ylim(0.0, max(drawing.top, 1.0) * 1.1)
    marks = range(int(drawing.duration_s / drawing.tick_s) + 1)
    axis.set_xticks([mark * drawing.tick_s / 60 for mark in marks])
    axis.set_yticks([])
    for band in drawing.bands:
        axis.axvspan(
            band.t / 60,
            (band.t + band.duration_s) / 60,
            color=_BAND,
            linewidth=0,
            label="guided, motors off",
        )


def _lane(axis: Any, lane: Lane, top: float) -> None:
    times = [t / 60 for t, _ in lane.level]
    levels = [level for _, level in lane.level]
    axis.fill_between(times, levels, color=_LEVEL, alpha=0.35, linewidth=0)
    axis.plot(times, levels, color=_LEVEL, linewidth=1.4, label="level, %")
    axis.plot(
        [t / 60 for t, _ in lane.envelope],
        [level for _, level in lane.envelope],
        color=_ENVELOPE,
        linewidth=0.9,
        linestyle=":",
        label="allowed by then (R2)",
    )
    axis.axhline(lane.cap, color=_CAP, linewidth=0.8, linestyle="--", label="cap (R1)")
    axis.set_yticks([0.0, round(lane.cap, 1)] if lane.cap >= top / 4 else [0.0])
    axis.set_ylabel(lane.name, rotation=0, ha="right", va="center")


def _legend(figure: Any, axis: Any) -> None:
    """What the first lane's lines and bands mean, each once, below all lanes."""
    handles, labels = axis.get_legend_handles_labels()
    each = dict(zip(labels, handles, strict=True))
    figure.legend(
        each.values(),
        each.keys(),
        loc="outside lower center",
        ncols=len(each),
        frameon=False,
        fontsize=8.0,
    )
