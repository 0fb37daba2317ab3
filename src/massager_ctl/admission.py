"""Who may run, how strong and how long: R1's personal caps, R9, R21, R22, in the order in which they refuse."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from massager_ctl.config import Config
from massager_ctl.device import DeviceInfo
from massager_ctl.errors import MedicalLock, Refused, ScreeningNeeded
from massager_ctl.requests import Origin, PainKind
from massager_ctl.safety import dose, pain, screening
from massager_ctl.safety.attention import Watcher, require_watcher
from massager_ctl.safety.dose_time import Moment
from massager_ctl.safety.limits import SUM_BOUND, CapLayer, Limits, combine
from massager_ctl.store.base import Reservation, SessionId, Store
from massager_ctl.store.moment import MomentSource


class Subject(StrEnum):
    """What the device is taken for: it decides whether there is a neck in it."""

    REAL = "real"
    """A device that a person wears, whatever it says of itself (R9, fault 56)."""
    EMBEDDED = "embedded"
    """The simulator inside this program, address `sim:`."""
    SAID_SO = "said_so"
    """A simulator elsewhere: `--simulated` was given this time, and INFO's bit must say so too."""


_LOCK_REMEDY: Final = (
    "Please seek medical care if you have not yet."
    " `massager-ctl screen` unlocks once a doctor has agreed."
)


class Permit:
    """A session that the ledger has on its books; the controller keeps it up to date."""

    def __init__(self, store: Store, session: SessionId) -> None:
        self._store = store
        self.session = session

    async def checkpoint(self, running_s: float) -> None:
        """Write down what was delivered so far, seconds of running. Raises StoreError."""
        await self._store.checkpoint(self.session, running_s)

    async def settle(self, running_s: float, reason: str) -> None:
        """The session is over: what was delivered, and why it ended. Raises StoreError."""
        await self._store.settle(self.session, running_s, reason)


class Admission:
    """Asked twice for each session: for the limits before planning, and for the permit right before ARM."""

    def __init__(
        self,
        store: Store,
        config: Config,
        moment: MomentSource,
        *,
        subject: Subject = Subject.REAL,
        watcher: Watcher = Watcher.PERSON,
    ) -> None:
        """`store`: in memory where `subject` is not REAL."""
        self._store = store
        self._config = config
        self._moment = moment
        self._subject = subject
        self._watcher = watcher
        self._counted: DeviceInfo | None = None
        self.notes: tuple[str, ...] = ()
        """What the person should hear about this session, after `limits`."""
        self.dose_left_s: float | None = None
        """Seconds of running that the day leaves, after `limits`; None where no dose is counted."""

    def watcher(self, info: DeviceInfo) -> Watcher:
        """Who gives the signs of life (R23)."""
        return Watcher.SIMULATED if self.simulated(info) else self._watcher

    def simulated(self, info: DeviceInfo) -> bool:
        """Whether nobody wears the device: its own word alone is never enough (fault 56). Raises Refused."""
        if self._subject is Subject.SAID_SO and not info.simulated:
            raise Refused(
                "`--simulated` was given, but this device says that it is real",
                "Leave `--simulated` out; screening and dose then apply.",
            )
        return self._subject is not Subject.REAL

    def _counts(self, info: DeviceInfo) -> bool:
        return self._config.limits.count_simulated or not self.simulated(info)

    async def limits(self, info: DeviceInfo, *, cap: float | None, origin: Origin) -> Limits:
        """The caps in force now. `cap`: percent, lowers only. Raises Refused and its kin, StoreError."""
        layers = [CapLayer("device", info.caps, "the device allows no more")]
        layers.append(user_layer(self._config))
        self.notes, self.dose_left_s = (), None
        if not self.simulated(info):
            await self._screened()
        if self._counts(info):
            layers.extend(await self._dosed(info))
        if cap is not None:
            layers.append(CapLayer.flat("--cap", cap, "--cap"))
        return combine(layers, min(SUM_BOUND, info.sum_cap))

    async def reserve(
        self,
        info: DeviceInfo,
        *,
        profile: str,
        running_s: float,
        origin: Origin,
        duration_s: float | None = None,
        heat: bool = False,
    ) -> Permit:
        """Put the whole session on the books, fsynced, before ARM.

        `running_s`: seconds with any level above zero, from the plan; `duration_s`: all of it, for R23. Raises Refused,
        DoseSpent, StoreError.
        """
        length = running_s if duration_s is None else duration_s
        require_watcher(length, origin, self.watcher(info), heat=heat)
        if not self.simulated(info):
            await self._screened()
        reservation = Reservation(info.serial, profile, running_s, enforced=self._counts(info))
        return Permit(self._store, await self._store.reserve(reservation))

    async def report_pain(self, kind: PainKind, origin: Origin) -> str:
        """Lower or lock (R22); returns what to tell the person. Raises StoreError."""
        await self._store.report_pain(kind, origin)
        return pain.classify(kind).text

    async def answer_symptoms(self, answer: screening.Answer) -> None:
        """Keep what somebody at this machine answered to "any symptom today?" (R18, R21). Raises StoreError."""
        answered = screening.Answered(screening.SYMPTOMS.id, answer, self._now())
        await self._store.answer([answered])

    async def close(self) -> None:
        """Let go of the ledger."""
        await self._store.close()

    async def _screened(self) -> None:
        lock = await self._store.lock()
        if lock is not None and lock.kind is PainKind.UNCLASSIFIED:
            raise MedicalLock(
                "pain was reported from elsewhere and nobody has said yet what it was (R22)",
                "Answer `massager-ctl screen` at this computer. If anything feels seriously wrong, seek medical care.",
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
            others_s = await self._store.foreign(info.serial, info.lifetime_s)
            self._counted = info
            if others_s > 0:
                notes.append(
                    f"this device ran for {dose.in_words(others_s)} without this program; that is charged (R9)"
                )
        state = await self._store.recent()
        dose.check(state, 0.0)
        notes.extend(dose.warnings(state))
        self.notes, self.dose_left_s = tuple(notes), state.left_s
        return await personal_layers(self._store, self._config, state)

    def _now(self) -> Moment:
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
