"""A run as JSON: verdicts, findings with their numbers, and what no check looked at; and two such runs compared."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

from massager_hil.distributions import distributions
from massager_hil.matrix import kept_by_host, rows, unseen
from massager_hil.model import Finding, Outcome, Verdict
from massager_hil.runner import Session

FORMAT: Final = 1
_KEPT_FRAMES: Final = 4000


def record(session: Session) -> dict[str, Any]:
    """Everything that a later run or another program may want to know."""
    info = session.info
    return {
        "format": FORMAT,
        "tool": version("massager-ctl"),
        "device": session.address,
        "serial": None if info is None else info.serial,
        "firmware": None if info is None else ".".join(map(str, info.firmware)),
        "began": session.began,
        "seconds": round(session.wall_s, 3),
        "seed": session.seed,
        "tier": "full" if session.full else "quick",
        "clock": "simulated" if session.simulated_time else "real",
        "lost": session.lost,
        "interrupted": session.interrupted,
        "bench_failed": session.bench_failed,
        "rules_broken": session.rules_broken,
        "requirements": [
            {
                "rule": row.rule,
                "verdict": row.verdict,
                "passed": row.passed,
                "failed": row.failed,
                "left_out": row.left_out,
            }
            for row in rows(session)
        ],
        "not_looked_at": unseen(session),
        "kept_by_host": kept_by_host(session),
        "distributions": [
            {
                "what": d.what,
                "rule": d.rule,
                "unit": "s",
                "n": d.n,
                "min": round(d.least, 4),
                "p50": round(d.p50, 4),
                "p99": round(d.p99, 4),
                "max": round(d.most, 4),
            }
            for d in distributions(session.outcomes)
        ],
        "clock_rate": session.clock_rate,
        "checks": [_outcome(outcome) for outcome in session.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": outcome.check.id,
        "rules": list(outcome.check.rules),
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 3),
        "flaky": outcome.flaky,
        "tries": len(outcome.tries) + 1,
        "findings": [_finding(finding) for finding in outcome.findings],
    }
    if outcome.frames:
        made["frames"] = [
            [round(f.t, 4), f.link, "to" if f.to_device else "from", f.data.hex()]
            for f in outcome.frames[-_KEPT_FRAMES:]
        ]
    return made


def _finding(finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "rule": finding.rule,
        "what": finding.what,
        "measured": finding.measured,
        "bound": finding.bound,
        "ok": finding.ok,
    }
    if finding.value is not None:
        made |= {
            "value": finding.value,
            "low": finding.low,
            "high": finding.high,
            "unit": finding.unit,
        }
    return made


def as_json(session: Session) -> bytes:
    """The record as text."""
    return (json.dumps(record(session), indent=1, ensure_ascii=False) + "\n").encode()


class RecordError(ValueError):
    """A file that is not a record of a run; the message says why."""


def read(path: Path) -> dict[str, Any]:
    """A record that was written before. Raises `RecordError`."""
    try:
        made: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot read {path}: {error}") from error
    if not isinstance(made, dict) or cast("dict[str, Any]", made).get("format") != FORMAT:
        raise RecordError(
            f"{path} is not a record that `massager-sim hil --json` of this version wrote"
        )
    return cast("dict[str, Any]", made)


def failed_in(old: dict[str, Any]) -> set[str]:
    """Names of the checks that failed or were not run."""
    wanted = (Verdict.FAILED.value, Verdict.NOT_RUN.value)
    return {check["id"] for check in old["checks"] if check["verdict"] in wanted}


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What came out otherwise, one line each; a check of the old run that is not in the new one, too."""
    before = {check["id"]: check for check in old["checks"]}
    after = {check["id"]: check for check in new["checks"]}
    lines: list[str] = []
    for name in (*before, *(name for name in after if name not in before)):
        was = before.get(name, {}).get("verdict", "absent")
        now = after.get(name, {}).get("verdict", "absent")
        if was != now:
            lines.append(f"{name}: {was} -> {now}")
    return lines


def got_worse(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a check that passed in the old run does not in the new one."""
    after = {check["id"]: check["verdict"] for check in new["checks"]}
    return any(
        check["verdict"] == Verdict.PASSED.value and after.get(check["id"]) != Verdict.PASSED.value
        for check in old["checks"]
    )
