"""The archive's mark: a file that tells a mounted archive from an empty folder in its place.

It holds the id of the store whose archive this is, and up to which generation the folder work
that moves folders is done.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from store.errors import ArchiveNotMounted, StoreUnwritable, write_failure
from store.files.descriptors import let_go
from store.files.durable import read_regular, write_new
from store.files.ownership import make_folders
from store.text import printable

MARK = ".mailroster-archive"


def store_in(root: Path) -> str | None:
    """Return the id of the store whose mark is in `root`, or None if there is no mark."""
    found = _read(root)
    return None if found is None else str(found.get("store", ""))


def done_until(root: Path) -> int:
    """Return the generation up to which folders were moved in `root`, 0 if none ever were."""
    found = _read(root)
    return int(found["done"]) if found else 0


def put_mark(root: Path, store_id: str, done: int, owned_like: Path | None = None) -> None:
    """Write the mark, durably; `root` is made if need be, by root for the owner of `owned_like`.

    Raises `ArchiveNotMounted` over another store's mark, and `StoreUnwritable`; then the mark is
    as it was.
    """
    try:
        make_folders(root, owned_like)
        with held(root) as folder:
            folder.mark(store_id, done)
    except OSError as error:
        raise write_failure(
            error,
            f"The archive {printable(root)} cannot be marked as this store's: {error.strerror}.",
            "Check that folder's owner, mode and room.",
            untouched="No user was changed.",
        ) from None


class HeldRoot:
    """The root of an archive, held open: its disk is not unmounted meanwhile.

    What is written through it cannot end up in the folder below the disk.
    """

    def __init__(self, root: Path, descriptor: int) -> None:
        self._root, self._descriptor = root, descriptor

    def check(self) -> None:
        """Raise `ArchiveNotMounted` if something else is in the root's place by now."""
        if not os.path.samestat(os.fstat(self._descriptor), self._root.stat()):
            raise ArchiveNotMounted(
                f"The archive {printable(self._root)} went away while mailroster moved folders.",
                "Mount it; the next write or log-on continues.",
                untouched="No mail is lost.",
            )

    def mark(self, store_id: str, done: int) -> None:
        """Write the mark, durably. Raises `ArchiveNotMounted` over another store's."""
        self.check()
        check_owner(self._root, store_id)
        temporary = f"{MARK}.tmp"  # who writes a mark holds the lock against other changes
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=self._descriptor)
        self.write_new(temporary, orjson.dumps({"store": store_id, "done": done}))
        os.replace(temporary, MARK, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        os.fsync(self._descriptor)

    def write_new(self, name: str, content: bytes = b"") -> None:
        """Make the file of that name below the root, durably; raises `OSError`."""
        let_go(write_new(Path(name), [content], below=self._descriptor))


@contextlib.contextmanager
def held(root: Path) -> Iterator[HeldRoot]:
    """Hold the root of an archive open; raises `OSError`."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield HeldRoot(root, descriptor)
    finally:
        let_go(descriptor)


def not_mounted(root: Path) -> ArchiveNotMounted:
    """Return the problem of an archive whose mark is missing."""
    return ArchiveNotMounted(
        f"The archive is not mounted: {printable(root)} does not have this store's mark.",
        "Mount the archive; if this is the right folder, run `mailroster store check "
        "--take-archive`.",
        untouched="No user and no folder was changed.",
    )


def check_owner(root: Path, store_id: str) -> bool:
    """Tell whether `root` has this store's mark; raises `ArchiveNotMounted` over another one's."""
    owner = store_in(root)
    if owner not in (None, store_id):
        raise ArchiveNotMounted(
            f"The archive {printable(root)} belongs to another store (id {printable(owner, 40)}).",
            "Give each store an archive of its own with archive_root.",
            untouched="Nothing was changed there.",
        )
    return owner is not None


def _read(root: Path) -> dict[str, Any] | None:
    path = root / MARK
    try:
        found = orjson.loads(read_regular(path))
        if isinstance(found, dict) and type(found["store"]) is str and type(found["done"]) is int:
            return found
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, LookupError) as error:
        raise StoreUnwritable(
            f"The archive's mark {printable(path)} cannot be read ({error}).",
            "Check the owner and mode of the archive, and the disk.",
            untouched="No folder was touched.",
        ) from None
    raise StoreUnwritable(
        f"The archive's mark {printable(path)} is damaged.",
        "Remove it and run `mailroster store check --take-archive`.",
        untouched="No folder was touched.",
    )
