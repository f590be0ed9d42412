"""A host of its own for a test: this system's files, what it changes thrown away, systemd as PID 1.

It is a few namespaces and an overlay. Only its loopback network is there, unless a command asks for
this machine's, to install packages.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.support.programs import lacking

_SYSTEMD = Path("/lib/systemd/systemd")
_BOOT_SECONDS = 30.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# They clear temporary files away, or look after devices and the kernel, which are this machine's.
_LEFT_OUT = (
    "systemd-modules-load",
    "systemd-sysctl",
    "systemd-tmpfiles-setup",
    "systemd-tmpfiles-setup-dev",
    "systemd-udevd",
)
# $1: an empty folder; then folders that are to be seen, on whatever file system they are. The
# overlay is on a tmpfs, as it may not lie within what it shows.
_BOOT = f"""
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" overlay "$1/root"
cd "$1/root"
shift
for shared; do
    mkdir -p ".$shared"
    mount --bind "$shared" ".$shared"
done
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
ip link set lo up
rm -f etc/systemd/system/*.wants/*
for unit in {" ".join(_LEFT_OUT)}; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
done
exec chroot . env -i PATH={PATH} container=test \
    {_SYSTEMD} --unit=basic.target --show-status=no --log-target=journal
"""


class BootedHost:
    """Runs commands on the host whose PID 1 is `init`, as root."""

    def __init__(self, init: int) -> None:
        self._enter = ["nsenter", f"--target={init}", "--mount", "--pid", "--ipc", "--uts"]
        self._enter += [f"--root=/proc/{init}/root", f"--wd=/proc/{init}/root"]

    def command(self, *words: str, own_network: bool = True) -> list[str]:
        """Return what runs these words there."""
        return [*self._enter, *(["--net"] if own_network else []), "--", *words]

    def __call__(self, *words: str, stdin: str = "", timeout: float = 60) -> str:
        """Run a command that succeeds; return its output."""
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            env={"PATH": PATH, "LANG": "C.UTF-8"},
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout


@contextmanager
def booted_host(folder: Path, *shared: Path) -> Iterator[BootedHost]:
    """Boot it in an empty folder, with the `shared` folders as they are.

    Skips the test where that cannot be done, or fails it in CI.
    """
    if os.geteuid() != 0 or not _SYSTEMD.exists():
        lacking("only root can boot a host of its own, with systemd (Debian: systemd)")
    with _control_group() as group, (folder.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(
            [*_start_in(group), "sh", "-c", _BOOT, "sh", str(folder), *map(str, shared)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            host = BootedHost(_wait_for_init(process))
            _wait_until_up(host)
            yield host
        finally:
            process.kill()  # and with it all that runs there
            process.wait(20)


def _start_in(group: Path) -> list[str]:
    """Return the start of a command that runs in new namespaces, and ends with this process."""
    enter = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)]
    namespaces = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"]
    return [*enter, "setpriv", "--pdeathsig=KILL", "unshare", *namespaces, "--fork", "--kill-child"]


@contextmanager
def _control_group() -> Iterator[Path]:
    """A control group of its own, for systemd makes some and moves processes among them."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    top = next((Path(words[1]) for words in mounts if words[2] == "cgroup2"), None)
    if top is None:
        lacking("this system has no cgroup2, which a host of its own needs")
    group = top / f"test-{uuid4().hex}"
    group.mkdir()
    try:
        yield group
    finally:
        deadline = time.monotonic() + _BOOT_SECONDS
        while group.exists() and time.monotonic() < deadline:
            for path in sorted(group.rglob("*/"), reverse=True):
                _remove(path)
            _remove(group)


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:  # its last process is still ending
        time.sleep(0.02)


def _wait_for_init(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the host did not boot"
        for child in children.read_text().split():
            if os.readlink(f"/proc/{child}/exe").endswith("/systemd"):
                return int(child)
        time.sleep(0.02)
    raise AssertionError("the host did not boot")


def _wait_until_up(host: BootedHost) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline:
        told = subprocess.run(
            host.command("systemctl", "is-system-running"), capture_output=True, check=False
        )
        if told.stdout.strip() in (b"running", b"degraded"):
            return
        time.sleep(0.1)
    jobs = subprocess.run(host.command("systemctl", "list-jobs"), capture_output=True, check=False)
    raise AssertionError(f"the host did not come up: {told.stdout!r} {jobs.stdout.decode()}")
