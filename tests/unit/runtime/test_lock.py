"""Fault 57: two processes race for one device, and the second is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from massager_ctl.errors import ConfigError, DeviceBusy, ExitCode
from massager_ctl.frontends.socket.paths import watched_path
from massager_ctl.runtime.lock import DeviceLock

DEVICE = "serial:/dev/ttyUSB9"


def test_fault_57_the_second_process_is_refused(runtime: Path) -> None:
    code = (
        "from massager_ctl.runtime.lock import DeviceLock\n"
        "from massager_ctl.errors import DeviceBusy\n"
        f"try:\n    DeviceLock('{DEVICE}').acquire()\nexcept DeviceBusy as e:\n    print(e.message)\n"
    )
    with DeviceLock(DEVICE):
        second = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert second.stdout.strip() == f"{DEVICE} is in use by process {os.getpid()}"
    third = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (third.returncode, third.stdout) == (0, "")


def test_fault_57_within_one_process(runtime: Path) -> None:
    with DeviceLock(DEVICE):
        with pytest.raises(DeviceBusy) as refused:
            DeviceLock(DEVICE).acquire()
        assert refused.value.exit_code is ExitCode.LINK
        with DeviceLock("serial:/dev/ttyUSB8"):
            pass
    lock = DeviceLock(DEVICE)
    lock.acquire()
    lock.release()
    lock.release()


def test_a_killed_holder_frees_the_device(runtime: Path) -> None:
    code = (
        "import time\nfrom massager_ctl.runtime.lock import DeviceLock\n"
        f"DeviceLock('{DEVICE}').acquire()\nprint('held', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DeviceBusy):
            DeviceLock(DEVICE).acquire()
        holder.kill()
    with DeviceLock(DEVICE):
        pass


def test_a_runtime_folder_that_cannot_be_used_says_what_to_do(runtime: Path) -> None:
    runtime.touch()
    with pytest.raises(ConfigError, match="MASSAGER_CTL_RUNTIME"):
        DeviceLock(DEVICE).acquire()


def test_r25_who_takes_over_from_a_guardian_that_still_stops_knows_it(runtime: Path) -> None:
    with DeviceLock(DEVICE) as alone:
        assert not alone.took_over
    code = (
        "import fcntl, sys, time\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_SH)\n"
        "print('held', flush=True)\ntime.sleep(0.1)\n"
    )
    command = [sys.executable, "-S", "-c", code, watched_path(DEVICE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as guardian:
        assert guardian.stdout is not None
        assert guardian.stdout.readline() == b"held\n"
        with DeviceLock(DEVICE) as after:
            assert after.took_over
