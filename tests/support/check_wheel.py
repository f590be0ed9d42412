"""Check that the wheel and the sdist named on the command line hold every file of the packages."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile


def main(wheel: str, sdist: str) -> None:
    """Exit with a list of what is missing."""
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    files = [name for name in tracked.stdout.split("\n") if name]
    packaged = [name for name in files if name.startswith(("store/", "sync/", "tui/"))]
    with zipfile.ZipFile(wheel) as archive:
        missing = set(packaged) - set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    missing |= set(files) - in_sdist
    if missing:
        sys.exit(f"Missing from the wheel or the sdist: {', '.join(sorted(missing))}")
    print(f"The wheel and the sdist hold all {len(packaged)} files of the packages.")


if __name__ == "__main__":
    main(*sys.argv[1:])
