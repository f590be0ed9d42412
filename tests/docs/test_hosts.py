"""docs/HOSTS.md: its SQL as the database's administrator, its commands on hosts of their own."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import Shell, blocks
from tests.support.postgres import run_sql, running_cluster

PAGE = "docs/HOSTS.md"
PASSWORD = "correct horse battery staple"


def test_every_command_and_statement(tmp_path: Path) -> None:
    archive = tmp_path / "mail"
    archive.mkdir()
    with running_cluster() as cluster:
        shells = {}
        for host, role in (
            ("one", "mailroster"),
            ("two", "mailroster"),
            ("logon", "mailroster_logon"),
        ):
            (tmp_path / host).mkdir()
            url = cluster.url("mailroster", role)
            shells[host] = Shell(tmp_path / host, "", PASSWORD, {"MAILROSTER_STORE": url})
        for block in blocks(PAGE):
            kind, _, name = block.mark.partition(": ")
            if kind == "in":
                for statement in block.text.split(";\n"):
                    run_sql(cluster.url(name), statement)
            elif kind == "host":
                text = block.text.replace("/srv/mail", str(archive))
                lines = text.splitlines(keepends=True)
                shells[name].run("".join(line for line in lines if not line.startswith("export")))
        assert len(shells["one"].commands) > 8
        assert (archive / "anna").is_dir()
        assert not list(tmp_path.glob("*/.local/share/mailroster/archive"))
        assert run_sql(
            cluster.url("mailroster"), "SELECT full_name FROM users WHERE key = 'anna'"
        ) == [("Anna Berg",)]
