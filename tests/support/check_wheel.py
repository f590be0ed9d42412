"""Check that the wheel and the sdist named on the command line are whole."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from pathlib import Path


def main(wheel: str, sdist: str) -> None:
    """Exit with what is missing or does not fit."""
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    files = {name for name in tracked.stdout.split("\n") if name}
    packaged = {name for name in files if name.startswith(("store/", "sync/", "tui/"))}
    settings = tomllib.loads(Path("pyproject.toml").read_text())
    name, version = settings["project"]["name"], settings["project"]["version"]
    shared = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"].values()
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"{name}-{version}.dist-info/METADATA"))
    with tarfile.open(sdist) as archive:
        in_sdist = {path.partition("/")[2] for path in archive.getnames()}
    _exit_if_missing("wheel", packaged - in_wheel)
    _exit_if_missing("wheel", {f"{name}-{version}.data/data/{path}" for path in shared} - in_wheel)
    _exit_if_missing("wheel", {f"{name}-{version}.dist-info/licenses/LICENSE"} - in_wheel)
    _exit_if_missing("sdist", files - in_sdist)
    if (metadata["Name"], metadata["Version"]) != (name, version):
        sys.exit(f"The wheel says that it is {metadata['Name']} {metadata['Version']}.")
    print(f"The wheel and the sdist hold all {len(packaged)} files of the packages and the rest.")


def _exit_if_missing(where: str, missing: Iterable[str]) -> None:
    if names := sorted(missing):
        sys.exit(f"Missing from the {where}: {', '.join(names)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
