"""From writes and labels to one model of what is sent, with every doubt that is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.learn.cutters import cutters
from massager_ctl.learn.fields import (
    distinct,
)
from massager_ctl.learn.hypothesis import Model, Sent, Trial, as_good, tried
from massager_ctl.learn.labels import Label
from massager_ctl.learn.reading import Reading
from massager_ctl.learn.views import View, views

_MOST_FRAMES: Final = 4000


def infer(sent: Sent, labels: Sequence[Label], end: float) -> Model:
    """The model that explains most with least; its doubts say what is left open."""
    times, frames = sent.times[:_MOST_FRAMES], sent.frames[:_MOST_FRAMES]
    trials: list[Trial] = []
    for view in views(distinct(frames)):
        contents = [view.content(frame) or b"" for frame in frames]
        # What never changes is kept as it was on the wire, so that no encoding can be wrong.
        trials += [
            tried(view, cutter, times, contents, labels, end)
            for cutter in cutters(contents)
            if cutter.counts or view == View()
        ]
    best = min(trials, key=lambda trial: trial.cost)
    reading = Reading(best, labels)
    reading.rivals([trial for trial in trials if as_good(trial, best)])
    return reading.model()
