"""Mutation testing of the rules: which small changes to them no test sees, and nobody argued.

`python tests/support/mutants.py [MODULE ...]` (of `mutants.toml`, such as `sync.planning.guard`;
all without one) changes one place of the code at a time, runs the nearest tests, and prints the
changes that survive and stand in no line of `mutants_argued.txt`, as such a line. It ends with 1
if there are any. `--again` goes on: it runs what survived the last time, and what was not run.

To mutmut's changes it adds others: operands dropped, `!=` as `<` or `>`, loops cut short. It is no
module of `tests`, as those that are tried are in the copy that mutmut makes.

The argued lines are `FUNCTION: OLD => NEW  # why no input tells the two apart`, one for a survivor.
Texts for people in other letters (mutmut adds XX, or changes their case), or cut at another length,
are counted, not listed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import libcst as cst
from mutants_trial import try_changes
from mutmut.__main__ import create_mutants, store_lines_covered_by_tests
from mutmut.configuration import config
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths

NEAREST = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
ARGUED = Path(__file__).with_name("mutants_argued.txt")
_SURVIVED = ("survived", "no tests", "suspicious")
_TEXT = re.compile(r'"[^"]*"')
_WORDS = re.compile(r"\w \W?\w")
_CUT = re.compile(r"printable\((.+?), (\d+|None)?\)")  # how much of a text is shown


_ORDERED = (cst.LessThan, cst.GreaterThan)


def _operands(node: cst.BooleanOperation) -> Iterable[cst.BaseExpression]:
    for operand in (node.left, node.right):
        yield operand.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _ordered(node: cst.ComparisonTarget) -> Iterable[cst.ComparisonTarget]:
    if isinstance(node.operator, cst.NotEqual):
        yield from (node.with_changes(operator=operator()) for operator in _ORDERED)


def _cut_short(node: cst.While | cst.For) -> Iterable[cst.While | cst.For]:
    if isinstance(node.body, cst.IndentedBlock):
        stop = cst.SimpleStatementLine([cst.Break()])
        yield node.with_changes(body=node.body.with_changes(body=[*node.body.body, stop]))


OPERATORS = [
    (cst.BooleanOperation, _operands),
    (cst.ComparisonTarget, _ordered),
    (cst.While, _cut_short),
    (cst.For, _cut_short),
]


class Survivor(NamedTuple):
    """A change that no test saw; `line` tells which, whatever else changes around it."""

    mutant: str
    line: str
    is_wording: bool


class Outcome(NamedTuple):
    """What came of one module's mutants."""

    mutants: int
    survivors: list[Survivor]
    hanging: int  # counted as killed: a test did not end in time
    unchecked: int


def outcome_of(path: Path) -> Outcome:
    """Return what the last run found for the module."""
    data = SourceFileMutationData(path=path)
    data.load()
    status = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
    survivors = [_survivor(name, path) for name, how in status.items() if how in _SURVIVED]
    by_status = Counter(status.values())
    return Outcome(len(status), survivors, by_status["timeout"], by_status["not checked"])


def _forget_survivors(path: Path) -> None:
    data = SourceFileMutationData(path=path)
    data.load()
    for survivor in outcome_of(path).survivors:
        if not survivor.is_wording:
            data.exit_code_by_key[survivor.mutant] = None
    data.save()


def _survivor(mutant: str, path: Path) -> Survivor:
    module, _, mangled = mutant.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x")
    function = function.removeprefix("_").replace("ǁ", ".").removeprefix(".")
    sides = {"-": "", "+": ""}
    for line in get_diff_for_mutant(mutant, path=path).splitlines()[2:]:
        if line[:1] in sides:
            sides[line[0]] += f" {line[1:].strip()}"
    old, new = (side.strip() for side in sides.values())
    return Survivor(mutant, f"{module}.{function}: {old} => {new}", _is_wording(old, new))


def _is_wording(old: str, new: str) -> bool:
    """Tell whether only a text for people, of several words, was written or cut otherwise."""
    old, new = (_CUT.sub(r"printable(\1)", side) for side in (old, new))
    if old.lower() != new.replace('"XX', '"').replace('XX"', '"').lower():
        return False
    before, after = _TEXT.findall(old), _TEXT.findall(new)
    return all(a == b or _WORDS.search(a) for a, b in zip(before, after, strict=True))


def argued() -> Counter[str]:
    """Return the changes that are argued, without the reasons."""
    lines = ARGUED.read_text().splitlines()
    return Counter(
        line.rpartition("  # ")[0] for line in lines if line and not line.startswith("#")
    )


def main(*words: str) -> int:
    """Run mutmut over the modules and print what is new."""
    modules = [word for word in words if word != "--again"] or [*NEAREST]
    paths = {module: Path(module.replace(".", "/") + ".py") for module in modules}
    if "--again" in words:
        for path in paths.values():
            _forget_survivors(path)
    else:
        shutil.rmtree("mutants", ignore_errors=True)
    config().only_mutate = [str(path) for path in paths.values()]
    mutators.mutation_operators.extend(OPERATORS)  # type: ignore[attr-defined]
    _make_mutants()
    for module, path in paths.items():
        _in_child(lambda path=path, tests=NEAREST[module]["tests"]: try_changes(path, tests))
    print()
    return report({module: outcome_of(path) for module, path in paths.items()})


def _make_mutants() -> None:
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    with redirect_stdout(StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        store_lines_covered_by_tests()
        create_mutants(1)


def _in_child(job: Callable[[], None]) -> None:
    """Do it in a process of its own, which imports the modules that are changed."""
    child = os.fork()
    if not child:
        job()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("The trial was broken off.")


def report(outcomes: dict[str, Outcome]) -> int:
    """Print a line of figures for each module, then the survivors that are not argued.

    Arguments about what a test sees by now, or what is written otherwise, are to be taken out.
    """
    known, found, stale = argued(), Counter[str](), Counter[str]()
    for module, (mutants, survivors, hanging, unchecked) in outcomes.items():
        lines = Counter(item.line for item in survivors if not item.is_wording)
        about = Counter({line: n for line, n in known.items() if line.startswith(f"{module}.")})
        open_ = lines - about
        found += open_
        stale += about - lines
        wording = sum(item.is_wording for item in survivors)
        print(
            f"{module}: {mutants} mutants, {mutants - len(survivors) - unchecked} killed "
            f"({hanging} by a time-out), "
            f"{wording} wording, {(lines & about).total()} argued, {open_.total()} open"
            + (f", {unchecked} not run" if unchecked else "")
        )
    print(*sorted(found.elements()), sep="\n")
    for line in sorted(stale.elements()):
        print(f"argued, but no survivor: {line}")
    return bool(found or stale)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
