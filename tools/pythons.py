"""The Pythons of this machine that the project supports; `tools/pythons.py` lists them.

`tools/pythons.py ARGUMENT...` runs pytest with these arguments on each, in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def supported() -> list[str]:
    """The versions that the classifiers name, such as 3.12, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [text.rpartition(" ")[2] for text in project["classifiers"] if "Python :: 3." in text]
    return sorted(named, key=lambda version: int(version.partition(".")[2]))


def candidates(version: str) -> Iterator[str]:
    """Where a Python of this version may be: in the path, or among pyenv's."""
    yield from filter(None, [shutil.which(f"python{version}")])
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in sorted((root / "versions").glob(f"{version}.*"), reverse=True):
        yield str(folder / "bin" / "python")


def is_of(version: str, python: str) -> bool:
    """Whether this is a Python of this version that can make environments; a pyenv shim may be neither."""
    ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        shown = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return shown.returncode == 0 and shown.stdout.strip() == version


def present() -> dict[str, str]:
    """Version to path, for each supported version that this machine has."""
    found: dict[str, str] = {}
    for version in supported():
        for python in candidates(version):
            if is_of(version, python):
                found[version] = python
                break
    return found


def environment(version: str, python: str, lock: str = "requirements-dev.lock") -> Path:
    """The Python of `.venv-VERSION`, which holds what the lock pins and this checkout."""
    venv = ROOT / f".venv-{version}"
    subprocess.run(
        [ROOT / "tools" / "install", venv, lock], env=os.environ | {"PYTHON": python}, check=True
    )
    return venv / "bin" / "python"


def main(arguments: list[str]) -> int:
    """List what is present, or run pytest on each; return 1 if one of them fails."""
    here = present()
    for version in supported():
        print(f"Python {version}: {here.get(version, 'not on this machine')}", flush=True)
    failed: list[str] = []
    for version, python in here.items() if arguments else ():
        print(f"\n=== Python {version} ===", flush=True)
        own = environment(version, python)
        if subprocess.run([own, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode:
            failed.append(version)
    if failed:
        print(f"failed on Python {', '.join(failed)}")
    return 1 if failed or not here else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
