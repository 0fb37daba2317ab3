"""Decides who may run, how strong and how long: personal caps (R1), dose (R9), screening (R21), lock (R22)."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Task
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from massager_ctl.config import Config
from massager_ctl.control.ledger_entry import LedgerEntry
from massager_ctl.errors import MedicalLock, Refused, ScreeningNeeded, StoreError
from massager_ctl.ledger.base import HistoryEntry, PainReport, Reservation, Store
from massager_ctl.ledger.clock_reading import ReadingSource
from massager_ctl.model.device import DeviceInfo, Sensing
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety import assurance, dose, pain, screening
from massager_ctl.safety.assurance import FULL, Allowed, Assurance, Shown
from massager_ctl.safety.dose_time import ClockReading
from massager_ctl.safety.limits import CapLayer, Limits, combine
from massager_ctl.safety.presence import Watcher, require_watcher
from massager_ctl.safety.steps import Steps


class Subject(StrEnum):
    """What the device is taken for: decides whether a person wears it."""

    REAL = "real"
    """A device that a person wears, whatever it reports about itself (R9, fault 56)."""
    EMBEDDED = "embedded"
    """The simulator inside this program, address `sim:`."""
    SAID_SO = "said_so"
    """An external simulator: `--simulated` was given this time, and INFO must say so too."""
    BENCH = "bench"
    """A device that lies on a table: `--on-bench` was given this time, and no one may wear it (R25)."""


BENCH_NOTE: Final = "on the bench: no one may wear the device; no screening, no dose"

_LOCK_REMEDY: Final = (
    "Please seek medical care if you have not done so."
    " `massager-ctl screen` unlocks once a doctor has agreed."
)


class AdmissionPolicy:
    """Used twice for each session: for the limits before planning, and for the reservation right before ARM."""

    def __init__(
        self,
        store: Store,
        config: Config,
        moment: ReadingSource,
        *,
        subject: Subject = Subject.REAL,
        watcher: Watcher = Watcher.PERSON,
        shown: Callable[[DeviceInfo], Shown] | None = None,
    ) -> None:
        """`store`: in memory if `subject` is not REAL. `shown`: what was seen of a device on this machine (R25)."""
        self._store = store
        self._config = config
        self._moment = moment
        self._subject = subject
        self._watcher = watcher
        self._shown = shown
        self.allowed: Allowed = assurance.allowed(FULL, guardian=False)
        """What the device may be used for, after `assure` (R25)."""
        self._counted: DeviceInfo | None = None
        self.notes: tuple[str, ...]
        """Notes for the person about this session, after `limits`."""
        self._looking: Task[None] | None = None

    def assure(self, declared: Assurance, info: DeviceInfo, *, guarded: bool) -> Allowed:
        """What this device may be used for: a declaration only lowers; above the minimum only what was shown counts."""
        shown = assurance.NOTHING_SHOWN if self._shown is None else self._shown(info)
        self.allowed = assurance.allowed(assurance.counted(declared, shown), guardian=guarded)
        return self.allowed

    @property
    def _dosed_at_all(self) -> bool:
        return self._config.limits.count_simulated or self._subject is Subject.REAL

    @property
    def dose_left_s(self) -> float | None:
        """Seconds of running that the day leaves now; None if no dose is counted, or it is not known yet."""
        return self._store.left_s() if self._dosed_at_all else None

    def look(self) -> None:
        """Start reading what the day leaves, so that it is known before the first start. It does not block."""
        if self._dosed_at_all and self._looking is None:
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        with contextlib.suppress(StoreError):  # which refuses the start, and says why
            await self._store.recent()

    def watcher(self, info: DeviceInfo) -> Watcher:
        """Who shows presence (R23)."""
        return Watcher.SIMULATED if self.simulated(info) else self._watcher

    def simulated(self, info: DeviceInfo) -> bool:
        """Whether no one wears the device: its own claim is not enough (fault 56). Raises Refused."""
        if self._subject is Subject.SAID_SO and not info.simulated:
            raise Refused(
                "`--simulated` was given, but this device says that it is real",
                "Leave `--simulated` out; screening and dose then apply.",
            )
        return self._subject in (Subject.EMBEDDED, Subject.SAID_SO)

    def _worn(self, info: DeviceInfo) -> bool:
        return self._subject is not Subject.BENCH and not self.simulated(info)

    def _counts(self, info: DeviceInfo) -> bool:
        return self._config.limits.count_simulated or self._worn(info)

    async def limits(self, info: DeviceInfo, *, cap: float | None) -> Limits:
        """The caps in force now. `cap`: percent, lowers only. Raises Refused and its subclasses, StoreError."""
        layers = [CapLayer("device", info.caps, "the device allows no more")]
        layers.append(user_layer(self._config))
        self.notes = ()
        allowed = self.allowed
        if not self.simulated(info):
            assurance.require(
                allowed,
                duration_s=0.0,
                origin=Origin.LOCAL,
                heat=False,
                bench=self._subject is Subject.BENCH,
            )
        if self._worn(info):
            self._switched(info)
            await self._screened()
        if self._counts(info):
            layers.extend(await self._dosed(info))
        if cap is not None:
            layers.append(CapLayer.flat("--cap", cap, "--cap"))
        if allowed.cap is not None:
            layers.append(
                CapLayer.flat("assurance", allowed.cap, "what is known of this device (R25)")
            )
        on_bench = (BENCH_NOTE,) if self._subject is Subject.BENCH else ()
        self.notes = (*self.notes, *on_bench, *allowed.reasons)
        limits = combine(layers, info.sum_cap)
        Steps(info.channels).require_some(limits.caps)
        return limits

    def _switched(self, info: DeviceInfo) -> None:
        """R14: a device that nothing but its own firmware can switch off is for the bench only."""
        if self.allowed.cap is None and Sensing.POWER_SWITCH not in info.sensing:
            raise Refused(
                "this device says that it has no independent power switch: it is for the bench only (R14)",
                "No one may wear it. `--on-bench` runs it on a table; docs/how-to/build-a-massager.md has the switch.",
            )

    def require_allowed(
        self, info: DeviceInfo, *, duration_s: float, origin: Origin, heat: bool = False
    ) -> None:
        """Refuse what the device, or a lack of anyone to show presence, does not allow (R23, R25). Raises Refused."""
        watcher, every_s = self.watcher(info), self.allowed.presence_s
        require_watcher(duration_s, origin, watcher, heat=heat, every_s=every_s)
        bench = self._subject is not Subject.REAL
        assurance.require(
            self.allowed, duration_s=duration_s, origin=origin, heat=heat, bench=bench
        )

    async def reserve(
        self,
        info: DeviceInfo,
        *,
        profile: str,
        running_s: float,
        origin: Origin,
        duration_s: float | None = None,
        heat: bool = False,
    ) -> LedgerEntry:
        """Reserve the whole session in the ledger, fsynced, before ARM.

        `running_s`: seconds with any level above zero, from the plan; `duration_s`: all of it, for R23. Raises Refused,
        DoseSpent, StoreError.
        """
        length = running_s if duration_s is None else duration_s
        self.require_allowed(info, duration_s=length, origin=origin, heat=heat)
        if self._worn(info):
            await self._screened()
        reservation = Reservation(info.serial, profile, running_s, enforced=self._counts(info))
        return LedgerEntry(self._store, await self._store.reserve(reservation))

    async def report_pain(self, kind: PainKind, origin: Origin) -> str:
        """Lower or lock (R22); returns what to tell the person. Raises StoreError."""
        await self._store.report_pain(kind, origin)
        return pain.classify(kind).text

    async def answer_symptoms(self, answer: screening.Answer) -> None:
        """Store a person's answer at this machine to "any symptom today?" (R18, R21). Raises StoreError."""
        answered = screening.Answered(screening.SYMPTOMS.id, answer, self._now())
        await self._store.answer([answered])

    async def history(
        self, limit: int
    ) -> tuple[dose.DoseState, tuple[HistoryEntry, ...], tuple[PainReport, ...]]:
        """What the day leaves, the newest sessions, and every report of pain. Raises StoreError."""
        store = self._store
        return await store.recent(), await store.history(limit), await store.pain_reports()

    async def close(self) -> None:
        """Close the ledger."""
        if self._looking is not None:
            await asyncio.wait({self._looking})
        await self._store.close()

    async def _screened(self) -> None:
        lock = await self._store.lock()
        if lock is not None and lock.kind is PainKind.UNCLASSIFIED:
            raise MedicalLock(
                "pain was reported remotely and has not been classified yet (R22)",
                "Answer `massager-ctl screen` at this computer. If anything feels seriously wrong, seek medical care.",
            )
        if lock is not None and not lock.readable:
            raise MedicalLock(
                "locked: reports of pain were lost with the damaged ledger, perhaps a warning sign among them (R9)",
                "`massager-ctl screen` unlocks it. If you reported a warning sign, seek medical care first.",
            )
        if lock is not None:
            raise MedicalLock("locked after a report of a warning sign (R22)", _LOCK_REMEDY)
        verdict = screening.evaluate(await self._store.answers(), self._now())
        if isinstance(verdict, screening.Blocked):
            raise ScreeningNeeded(
                f"{verdict.text} (R21)", "Answer the questions with `massager-ctl screen`."
            )

    async def _dosed(self, info: DeviceInfo) -> list[CapLayer]:
        notes: list[str] = []
        if info is not self._counted:
            others_s = await self._store.record_external_use(info.serial, info.lifetime_s)
            self._counted = info
            if others_s > 0:
                notes.append(
                    f"this device ran for {dose.in_words(others_s)} without this program; that is charged (R9)"
                )
        state = await self._store.recent()
        dose.check(state, 0.0)
        notes.extend(dose.warnings(state))
        self.notes = tuple(notes)
        return await personal_layers(self._store, self._config, state)

    def _now(self) -> ClockReading:
        return self._moment.now()


def user_layer(config: Config) -> CapLayer:
    """The person's own cap (R1)."""
    return CapLayer.flat("user", config.limits.user_cap, config.user_cap_reason)


async def personal_layers(store: Store, config: Config, state: dose.DoseState) -> list[CapLayer]:
    """The caps of the first three sessions and of recent mild pain (R1, R22). Raises StoreError."""
    layers: list[CapLayer] = []
    personal = config.limits.user_cap
    first = dose.first_sessions_layer(state)
    if first is not None:
        layers.append(first)
        personal = min(personal, first.caps[0])
    lower = pain.lowered(await store.mild_ages_s(), personal)
    if lower is not None:
        layers.append(lower)
    return layers
