"""Errors have parts; sentences are joined at the edge, and no code reads one."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import store
import sync
import tui
from store.errors import InvalidSetting, Problem, StoreBusy, StoreConflict, StoreError
from sync.errors import AlreadyApplied, DirectoryError, LogOnRefused, StalePlan, SyncError
from tui.cli.interrupts import Interrupted
from tui.cli.output import OutputFailed
from tui.crash import Crash
from tui.texts.problems import told

ROOT = Path(__file__).parent.parent
_SENTENCES = re.compile(r"([A-Z“][^\n]*\.)?")
# What reads a text for what it says.
_READERS = {
    *("partition", "rpartition", "split", "rsplit", "startswith", "endswith", "removeprefix"),
    *("removesuffix", "replace", "find", "index", "match", "search", "fullmatch"),
    "splitlines",
}
# What a variable with an error is called.
_ERRORS = {"error", "problem", "failure", "first", "refusal", "refused", "conflict", "caught"}


def _all_problems() -> list[type[Problem]]:
    for package in (store, sync, tui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, new = [], [Problem]
    while new:
        found.append(new.pop())
        new += found[-1].__subclasses__()
    return [problem for problem in found if problem.__module__.split(".")[0] != "tests"]


def _made(kind: type[Problem]) -> Problem:
    """Return one of this class, made as its own `__init__` wants it."""
    texts = ["What happened.", "What to do."]
    for parent, arguments in {
        AlreadyApplied: ("2026-01-01", "run"),
        StalePlan: (["a"],),
        StoreConflict: (["a"],),
        LogOnRefused: (),
        Crash: (ValueError(),),
        Interrupted: (),
        OutputFailed: (OSError(28, "No space left on device"),),
        InvalidSetting: ("a key", *texts),
    }.items():
        if issubclass(kind, parent):
            return kind(*arguments)
    return kind(*texts)


@pytest.mark.parametrize("kind", _all_problems(), ids=lambda kind: kind.__name__)
def test_every_error_has_parts_that_are_sentences(kind: type[Problem]) -> None:
    problem = _made(kind)
    assert re.fullmatch(r"[a-z_]+", problem.kind)
    assert _SENTENCES.fullmatch(problem.untouched)
    assert problem.what
    parts = [part for part in (problem.what, problem.untouched, problem.advice) if part]
    assert str(problem) == told(problem) == " ".join(parts)
    assert problem.to_record() == {
        "kind": problem.kind,
        "message": " ".join(parts),
        "what": problem.what,
        "untouched": problem.untouched,
        "advice": problem.advice,
    }
    assert (
        kind in (Problem, Crash)
        or kind.__module__.startswith("tui")
        or issubclass(kind, StoreError | SyncError)
    )


@pytest.mark.parametrize("kind", _all_problems(), ids=lambda kind: kind.__name__)
def test_one_text_alone_is_no_error(kind: type[Problem]) -> None:
    parameters = inspect.signature(kind).parameters
    if "what" in parameters:
        assert parameters["advice"].default is inspect.Parameter.empty
        with pytest.raises(TypeError):
            kind("One text. Nothing was written. Do this.")


def test_one_error_may_say_otherwise_what_was_left_untouched() -> None:
    problem = StoreBusy("A.", "C.", untouched="B.")
    assert (str(problem), StoreBusy.untouched) == ("A. B. C.", "Nothing was written.")
    assert told(problem, "Instead of A.") == "Instead of A. B. C."


def _modules() -> Iterator[tuple[str, str]]:
    for package in ("store", "sync", "tui"):
        for file in sorted((ROOT / package).rglob("*.py")):
            yield str(file.relative_to(ROOT)), file.read_text()


def _is_a_text_of_a_problem(node: ast.AST, problems: set[str]) -> bool:
    """Tell whether this is `str(error)`, `told(error)`, a part of anything, or its message."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        argument = node.args[0]
        return node.func.id == "told" or (
            node.func.id == "str" and isinstance(argument, ast.Name) and argument.id in problems
        )
    if isinstance(node, ast.Attribute):
        return node.attr in ("what", "untouched", "advice", "rest")
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "message"
    )


@cache
def _names_of_kinds() -> frozenset[str]:
    return frozenset(kind.__name__ for kind in _all_problems())


def _names_of_problems(tree: ast.AST) -> set[str]:
    """Return what variables hold a problem: those of `except`, parameters of such a type.

    One that is called like an error is taken for a problem, unless its type says otherwise.
    """
    kinds = _names_of_kinds()

    def holds(annotation: ast.AST | None) -> bool:
        names = ast.walk(annotation) if annotation else ()
        return any(isinstance(name, ast.Name) and name.id in kinds for name in names)

    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    types = [(node.name, node.type) for node in handlers if node.name]
    types += [(node.arg, node.annotation) for node in ast.walk(tree) if isinstance(node, ast.arg)]
    others = {name for name, type_ in types if type_}
    return {name for name, type_ in types if holds(type_)} | (_ERRORS - others)


def _readings(source: str) -> list[int]:
    """Return the lines on which code decides by what an error's sentence says, or cuts it."""
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return sorted({line for scope in functions or [tree] for line in _readings_in(scope)})


def _readings_in(scope: ast.AST) -> Iterator[int]:
    problems = _names_of_problems(scope)
    texts = set()
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target, value):
                targets = [target]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                targets = [target]
            case _:
                continue
        if value and any(_is_a_text_of_a_problem(part, problems) for part in ast.walk(value)):
            texts |= {target.id for target in targets if isinstance(target, ast.Name)}

    def is_text(node: ast.AST) -> bool:
        named = isinstance(node, ast.Name) and node.id in texts
        return named or _is_a_text_of_a_problem(node, problems)

    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _READERS and any(map(is_text, [node.func.value, *node.args])):
                yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            is_in = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
            literal = any(isinstance(side, ast.Constant) for side in sides)
            if (is_in or literal) and any(map(is_text, sides)):
                yield node.lineno
        elif isinstance(node, ast.Subscript) and is_text(node.value):
            yield node.lineno


def test_no_code_reads_a_sentence() -> None:
    found = {name: lines for name, text in _modules() if (lines := _readings(text))}
    assert found == {}


@pytest.mark.parametrize(
    "reading",
    [
        "str(error).partition(' Nothing was changed.')",
        "told(error).removeprefix('it ')",
        "error.what.split()[0]",
        "'busy' in str(error)",
        "error.advice == 'Wait.'",
        "error.what[:10]",
        "record['message'].startswith('The plan')",
        "re.match('The plan', told(error))",
    ],
)
def test_what_would_read_one_is_found(reading: str) -> None:
    handler = f"try:\n    work()\nexcept StoreError as error:\n    answer = {reading}\n"
    assert _readings(handler) == [4]
    assert _readings(f"def answer(error: Problem | None) -> object:\n    return {reading}\n") == [2]
    assert _readings("except_ = str(number).partition('.')") == []


@pytest.mark.parametrize(
    "line",
    [
        "failure = network_failure(settings); return 'https://' in failure.advice",
        "return self.problem.advice.startswith('Wait')",
        "return [item for item in failures if item.what == 'It is busy.']",
        "return new[0].problem.untouched.replace('Nothing', 'Little')",
        "return 'busy' in str(failure)",
        "return (text := str(problem)) and text.split('. ')",
        "text: str = failures[0].what; return text[:10]",
        "return [text for text in (item.what for item in failures) if 'busy' in text]",
    ],
)
def test_it_is_found_whatever_holds_the_problem(line: str) -> None:
    assert _readings(f"def answer(self, failures, failure):\n    {line}\n") == [2]


def test_what_was_left_untouched_stands_in_its_part_alone() -> None:
    """The sentence is a class's, or an error's own; no other argument holds it."""
    kinds = {kind.__name__ for kind in _all_problems()} | {"write_failure", "wrong_usage"}
    for name, source in _modules():
        for call in ast.walk(ast.parse(source)):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") in kinds):
                continue
            for text in (part for argument in call.args[:-1] for part in ast.walk(argument)):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    assert "Nothing was " not in text.value, f"{name}:{text.lineno}"


def test_both_trees_are_caught_by_their_root() -> None:
    together = re.compile(r"StoreError\b\s*[,|]\s*SyncError|SyncError\b\s*[,|]\s*StoreError")
    assert [name for name, text in _modules() if together.search(text)] == []
    assert issubclass(StoreError, Problem)
    assert issubclass(DirectoryError, Problem)
