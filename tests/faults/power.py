"""Power cuts: an ext4 on a loop device stops dead, and is mounted again.

The stop is ext4's own (`EXT4_IOC_SHUTDOWN` without flushing the journal, as xfstests do it): from
then on nothing reaches the device, and what the kernel still held is gone. Mounting replays the
journal. What a disk's own cache loses is not part of it.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.jobs import Job
from tests.faults.kills import Tally, prepare, start

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: _IOR('X', 125, __u32)
_WITHOUT_FLUSHING = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH
_SIZE = 64 << 20
_TOOLS = ("mkfs.ext4", "losetup", "mount", "umount")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str | None:
    """Return why this machine cannot do it, or None."""
    if os.geteuid():
        return "it needs root, to mount a loop device"
    for tool in _TOOLS:
        if not shutil.which(tool, path=_PATH):
            return f"there is no {tool}"
    try:
        with _device() as device, _mounted(device) as place:
            _cut(place)
    except subprocess.CalledProcessError as error:
        return f"{error.cmd[0]} failed: {error.stderr.strip()}"
    except OSError as error:
        return f"ext4 cannot be stopped: {error.strerror}"
    return None


def cut_often(job: Job, count: int, rng: random.Random) -> Tally:
    """Cut the power `count` times while a process is at this job, and look after each."""
    tally = Tally(job.name)
    for _ in range(count):
        with _device() as device:
            with _mounted(device) as place:
                folder = place / "store"
                folder.mkdir(mode=0o700)
                prepare(job, folder)
                os.sync()
                child, acknowledgement = start(job, folder, 0)
                time.sleep(rng.uniform(job.seconds / 4, job.seconds * 2))
                _cut(place)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            with _mounted(device), suppress(Exception):  # it is in the tally
                tally.look(job, folder, 0, acknowledgement())
    return tally


def _cut(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _WITHOUT_FLUSHING))
    finally:
        os.close(descriptor)


@contextmanager
def _device() -> Iterator[str]:
    """Make a loop device with a small, empty ext4."""
    with TemporaryDirectory(prefix="mailroster-power-") as made:
        image = Path(made, "image")
        with image.open("wb") as file:
            file.truncate(_SIZE)
        _run("mkfs.ext4", "-q", image)
        device = _run("losetup", "--find", "--show", image).strip()
        try:
            yield device
        finally:
            _run("losetup", "--detach", device)


@contextmanager
def _mounted(device: str) -> Iterator[Path]:
    """Mount it at the same place every time; what its journal holds is replayed."""
    place = Path(f"/run/mailroster-power-{os.getpid()}")
    place.mkdir(exist_ok=True)
    _run("mount", device, place)
    try:
        yield place
    finally:
        _run("umount", place)
        place.rmdir()


def _run(*command: str | Path) -> str:
    environment = {**os.environ, "PATH": _PATH}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, timeout=60
    ).stdout
