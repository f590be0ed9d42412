"""All documents: links lead somewhere, and files and commands that are named exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.docs.commands import calls
from tests.docs.pages import ROOT

PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FILE = re.compile(r"(?:store|sync|tui|tests|docs|benchmarks|\.ci)/[\w./-]*")


def text_of(page: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", (ROOT / page).read_text(), flags=re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in LINK.findall(text_of(page)):
        if not target.startswith("https://"):
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page: str) -> None:
    for code in CODE.findall(text_of(page)):
        if FILE.fullmatch(code):
            assert (ROOT / code).exists(), code


@pytest.mark.parametrize("page", PAGES)
def test_named_commands_exist(page: str) -> None:
    for code in CODE.findall(text_of(page)):
        if code.startswith("mailroster "):
            list(calls(shlex.split(code.replace(r"\|", "|"))[1:]))


def test_no_page_is_an_island() -> None:
    linked = {
        (ROOT / page).parent.joinpath(target).resolve()
        for page in PAGES
        for target in LINK.findall(text_of(page))
    }
    assert {page for page in PAGES if (ROOT / page).resolve() not in linked} <= {"README.md"}


def test_the_changelog_knows_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"\n## [{project['version']}] - " in (ROOT / "CHANGELOG.md").read_text()
    assert not list(Path(ROOT).glob("*/version.py"))  # pyproject.toml is the one place
