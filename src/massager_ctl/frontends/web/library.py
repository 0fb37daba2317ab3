"""The profiles for the page: each is read once until its file changes, and planned off the loop (R24)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from massager_ctl.errors import MassagerError
from massager_ctl.frontends.web.problems import HttpProblem
from massager_ctl.model.device import DeviceInfo
from massager_ctl.profile.library import playable
from massager_ctl.profile.model import Profile
from massager_ctl.profile.plan.make import make_plan, to_json
from massager_ctl.safety.limits import Limits, combine

_Read = tuple[int, Profile]

PLANS_MAX: Final = 64
"""Maximum number of cached plans."""


class Library:
    """All profiles, by id."""

    def __init__(self) -> None:
        self._read: dict[Path, _Read] = {}
        self._plans: dict[tuple[Any, ...], dict[str, Any]] = {}

    async def profile(self, name: str) -> Profile:
        """The profile of that id. Raises HttpProblem, ProfileError."""
        return await asyncio.to_thread(self._profile, name)

    async def rows(self) -> list[dict[str, Any]]:
        """All of them for a list; one that cannot be used says why."""
        return await asyncio.to_thread(self._rows)

    async def planned(
        self, name: str, limits: Limits | None = None, info: DeviceInfo | None = None
    ) -> dict[str, Any]:
        """The proved time line: on a device under its current caps, else as the profile has it.

        Raises HttpProblem, ProfileError, Refused.
        """
        return await asyncio.to_thread(self._planned, name, limits, info)

    def _planned(self, name: str, limits: Limits | None, info: DeviceInfo | None) -> dict[str, Any]:
        profile = self._profile(name)
        limits = combine(()) if limits is None else limits
        key = (profile.id, id(profile), limits, info)
        if key not in self._plans:
            if len(self._plans) >= PLANS_MAX:
                self._plans.clear()
            self._plans[key] = to_json(make_plan(profile, limits, info))
        return self._plans[key]

    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for name, path in sorted(playable().items()):
            try:
                profile = self._load(path)
            except MassagerError as error:
                rows.append({"id": name, "title": name, "error": error.message})
                continue
            rows.append(
                {
                    "id": name,
                    "title": profile.title,
                    "summary": profile.summary,
                    "technique": list(profile.technique),
                    "tags": list(profile.tags),
                    "duration_s": profile.duration_s,
                    "cap": profile.cap,
                }
            )
        return rows

    def _profile(self, name: str) -> Profile:
        path = playable().get(name)
        if path is None:
            raise HttpProblem(
                404, "unknown_profile", f"no profile named '{name[:60]}'", "See /v1/profiles."
            )
        return self._load(path)

    def _load(self, path: Path) -> Profile:
        from massager_ctl.profile.format.load import load_file

        version = path.stat().st_mtime_ns
        known = self._read.get(path)
        if known is None or known[0] != version:
            known = self._read[path] = (version, load_file(path))
        return known[1]
