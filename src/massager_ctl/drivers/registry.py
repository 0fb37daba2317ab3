"""The drivers of other makes that are installed: by entry point, or by a description in a folder or a package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.config import config_path
from massager_ctl.drivers.dialect import ENTRY_POINTS, DriverSpec, check_spec
from massager_ctl.errors import AddressError, DriverFault, MassagerError
from massager_ctl.transports.base import LinkKind

DESCRIPTIONS: Final = "massager_ctl.descriptions"
"""Entry point group: a package whose folder holds device descriptions, `*.yaml`."""

OWN: Final = "massager-ctl"


class Installed(Struct, frozen=True):
    """A driver that could be used, or why it cannot. `source`: the package and its version, or the file."""

    scheme: str
    source: str
    spec: DriverSpec | None
    problem: MassagerError | None = None


def devices_folder() -> Path:
    """Where a person puts device descriptions."""
    return config_path().parent / "devices"


def installed(folder: Path | None = None) -> tuple[Installed, ...]:
    """Every driver, those that cannot be used as well; nothing raises. `folder`: of descriptions, the user's unless
    given."""
    found = [_from_package(point) for point in _points(ENTRY_POINTS)]
    found += _described(devices_folder() if folder is None else folder)
    schemes = [one.scheme for one in found]
    return tuple(
        _twice(one, found) if schemes.count(one.scheme) > 1 else one
        for one in sorted(found, key=lambda one: (one.scheme, one.source))
    )


def spec_for(scheme: str, folder: Path | None = None) -> DriverSpec:
    """The driver of that scheme. Raises AddressError where there is none, DriverFault where it cannot be used."""
    known = installed(folder)
    for one in known:
        if one.scheme == scheme:
            if one.spec is None:
                assert one.problem is not None
                raise one.problem
            return one.spec
    names = ", ".join(one.scheme for one in known) or "none"
    raise AddressError(
        f"no driver is called '{scheme}'",
        f"Installed are: {names}. `massager-ctl drivers list` shows them; a description goes into {devices_folder()}.",
    )


def links_of(spec: DriverSpec) -> str:
    """The links of a driver, for a person."""
    return ", ".join(link.value for link in LinkKind if link in spec.links)


def _points(group: str) -> list[EntryPoint]:
    return list(entry_points(group=group))


def _source(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _from_package(point: EntryPoint) -> Installed:
    source = _source(point)
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001  whatever another package raises
        problem = DriverFault(
            f"the driver '{point.name}' of {source} cannot be loaded: {type(error).__name__}: {error}",
            "Tell the author of that package, or take it away with pip.",
        )
        return Installed(point.name, source, None, problem)
    try:
        spec = check_spec(loaded, source)
        if spec.scheme != point.name:
            raise DriverFault(
                f"the entry point '{point.name}' of {source} is the driver '{spec.scheme}'",
                "Both have to be called the same. Tell the author of that package.",
            )
    except DriverFault as error:
        return Installed(point.name, source, None, error)
    return Installed(point.name, source, spec)


def _described(folder: Path) -> Iterator[Installed]:
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    for point in _points(DESCRIPTIONS):
        try:
            inside = files(point.load())
            paths += [Path(str(one)) for one in inside.iterdir() if one.name.endswith(".yaml")]
        except Exception as error:  # noqa: BLE001  as above
            problem = DriverFault(
                f"the descriptions of {_source(point)} cannot be read: {type(error).__name__}: {error}",
                "Tell the author of that package, or take it away with pip.",
            )
            yield Installed(point.name, _source(point), None, problem)
    if not paths:
        return
    from massager_ctl.drivers.described.driver import spec_of
    from massager_ctl.drivers.described.load import load_file

    for path in paths:
        try:
            spec = spec_of(load_file(path), path)
        except MassagerError as error:
            yield Installed(path.stem, str(path), None, error)
        else:
            yield Installed(spec.scheme, str(path), spec)


def _twice(one: Installed, found: list[Installed]) -> Installed:
    sources = " and ".join(sorted(other.source for other in found if other.scheme == one.scheme))
    problem = DriverFault(
        f"there are several drivers called '{one.scheme}': {sources}",
        "None of them is used before the others are taken away.",
    )
    return Installed(one.scheme, one.source, None, problem)
