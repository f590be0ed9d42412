"""Mail in users' archives that tells whose it is, so that a move shows."""

from __future__ import annotations

from store.files.archive_mark import MARK
from store.files.archives import Archives
from sync.workspace import Workspace


def give_mail(workspace: Workspace, *names: str) -> None:
    """Give each user a message that tells whose it is."""
    archives = archives_of(workspace)
    for name in names:
        archives.create(name)
        (archives.path(name) / "new" / "1").write_text(f"mail of {name}")


def mail(workspace: Workspace, name: str) -> str:
    """Return the message in the user's archive."""
    return (archives_of(workspace).path(name) / "new" / "1").read_text()


def left_behind(workspace: Workspace) -> list[str]:
    """Return what lies in the archive root from a move that is not over."""
    names = [path.name for path in archives_of(workspace).root.iterdir()]
    return [name for name in names if name[0] == "." and not name.startswith(MARK)]


def archives_of(workspace: Workspace) -> Archives:
    """Return the archives that the workspace's settings name."""
    return workspace.archives(workspace.snapshot().settings)
