"""Where the shipped profiles lie: inside an installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

import massager_ctl
from massager_ctl.errors import ConfigError


def shipped_profiles() -> Path:
    """The folder of the YAML profiles that come with the program; ConfigError if it is gone."""
    package = Path(massager_ctl.__file__).parent
    for folder in (package / "profiles_data", package.parents[1] / "profiles"):
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"the profiles that come with the program are missing beside {package}",
        "Install massager-ctl again, or name a profile by its file.",
    )
