"""Archive folders that are under way, and a journal that somebody damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.archive_moves import ArchiveMoves
from store.archives import Archives
from store.errors import StoreUnwritable


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    archives = Archives(tmp_path)
    archives.create("old")
    (archives.path("old") / "cur" / "1:2,S").write_text("mail")
    ArchiveMoves(archives).begin("run", [("old", "new")])
    return archives


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"7", b'[["old"]]', None])
def test_mail_waits_beside_a_journal_that_cannot_be_read(
    archives: Archives, content: bytes | None
) -> None:
    place = archives.root / ".mailroster-moves" / "run"
    journal = place / "journal.json"
    whole = journal.read_bytes()
    journal.unlink()
    if content is not None:
        journal.write_bytes(content)
    for _ in range(2):
        with pytest.raises(StoreUnwritable, match=r"journal\.json cannot be read"):
            ArchiveMoves(archives).finish(lambda _: True)
        assert (place / "0" / "cur" / "1:2,S").read_text() == "mail"
    journal.write_bytes(whole)
    ArchiveMoves(archives).finish(lambda _: True)
    assert (archives.path("new") / "cur" / "1:2,S").read_text() == "mail"
    assert not list(archives.root.glob(".*"))


def test_before_the_journal_was_whole_nothing_was_moved(tmp_path: Path) -> None:
    archives = Archives(tmp_path)
    place = tmp_path / ".mailroster-moves" / "run"
    place.mkdir(parents=True)
    (place / "journal.json").write_text("[[")
    ArchiveMoves(archives).finish(lambda _: True)
    assert not list(tmp_path.iterdir())
