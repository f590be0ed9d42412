"""Trying changes: the nearest tests are collected once, and each change runs them in a fork.

Quick tests run first, and before them those that saw the last changes; the first one that fails
ends the trial. What only slow tests would see counts as not seen.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import Phase, is_hypothesis_test, settings
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

SURVIVED, KILLED, NO_TEST, TIMED_OUT = 0, 1, 33, 36  # as mutmut writes them
ENOUGH = 5.0  # CPU seconds that the tests of one change may take; a survivor runs them all
_FEW = settings(
    max_examples=20,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)


def try_changes(path: Path, nearest: Sequence[str]) -> None:
    """Try the changes to this module that have no result yet; mutmut's file gets the results."""
    trial = Trial(path)
    os.chdir("mutants")
    options = ["-o", "addopts=", "-m", "not alone", "-p", "no:cacheprovider", "-p", "no:terminal"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is here already
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        options.append(f"--basetemp={temporary}/tests")
        code = pytest.main([*options, "--rootdir=.", *nearest], plugins=[trial])
    if code or not trial.is_done:
        sys.exit(f"the tests of {path} do not run: {code}")


class Trial:
    """A pytest plugin that runs the collected tests once for each change."""

    def __init__(self, path: Path) -> None:
        self._data = SourceFileMutationData(path=path)
        self._data.meta_path = self._data.meta_path.absolute()
        self._data.load()
        self._failed = ""
        self.is_done = False

    def pytest_configure(self, config: pytest.Config) -> None:
        """Parse no changed module for its traceback: it is as long as all its changes together."""
        config.option.tbstyle = "native"

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let what is drawn be drawn seldom; a profile would not override what a test sets."""
        for item in items:
            test = getattr(item, "obj", None)
            if is_hypothesis_test(test):
                getattr(test, "__func__", test)._hypothesis_internal_use_settings = _FEW

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find out which tests call what, then try each change."""
        items = {item.nodeid: item for item in session.items}
        code, found = _in_fork(lambda: self._who_calls(session.items), 3600)
        if code or found["failed"]:
            sys.exit(f"without a change: {found['failed'] if found else code}")
        times, callers = found["times"], found["callers"]
        saw: list[str] = []  # the tests that saw a change, the last one at the end
        left = [name for name, code in self._data.exit_code_by_key.items() if code is None]
        for place, name in enumerate(left, 1):
            names = callers.get(name.partition("__mutmut_")[0], [])
            order = [test for test in reversed(saw) if test in names]
            order += _quickest(set(names).difference(order), times)
            code, test = self._try(session, name, [items[test] for test in order], times)
            if test:
                saw = [*(other for other in saw if other != test), test]
            self._data.exit_code_by_key[name] = code
            self._data.save()
            print(f"{place} of {len(left)}: {name} {test or code}", flush=True)
        self.is_done = True
        return True

    def _try(
        self,
        session: pytest.Session,
        name: str,
        items: Sequence[pytest.Item],
        times: dict[str, float],
    ) -> tuple[int, str]:
        """Return how the change ended, and the test that saw it."""
        if not items:
            return NO_TEST, ""

        def run() -> str:
            set_mutant_under_test(name)
            return self._first_failure(session, items)

        code, test = _in_fork(run, 20 + 3 * sum(times[item.nodeid] for item in items))
        if code == TIMED_OUT:
            return code, ""
        return (KILLED, test or "") if code or test else (SURVIVED, "")

    def _first_failure(self, session: pytest.Session, items: Sequence[pytest.Item]) -> str:
        for place, item in enumerate(items):
            later = items[place + 1] if place + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=later)
            if self._failed:
                session._setupstate.teardown_exact(None)
                break
        return self._failed

    def _who_calls(self, items: Sequence[pytest.Item]) -> dict[str, object]:
        """Return how long each test takes, in CPU seconds, and which ones call which function."""
        set_mutant_under_test("stats")
        times, callers = {}, defaultdict(list)
        for place, item in enumerate(items):
            began = _cpu_seconds()
            later = items[place + 1] if place + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=later)
            times[item.nodeid] = _cpu_seconds() - began
            for function in state()._stats:
                callers[function].append(item.nodeid)
            state()._stats.clear()
        return {"times": times, "callers": callers, "failed": self._failed}


def _quickest(tests: Iterable[str], times: dict[str, float]) -> list[str]:
    """Return the tests in the order of their times, without those that would take too long."""
    order = sorted(tests, key=times.__getitem__)
    ends = accumulate(times[name] for name in order)
    return [name for name, end in zip(order, ends, strict=True) if end < ENOUGH]


def _cpu_seconds() -> float:
    """Return what this process and its children took; how busy the machine is does not matter."""
    return sum(os.times()[:4])


def _in_fork(job: Callable[[], object], seconds: float) -> tuple[int, object]:
    """Return the exit code of a child that does the job, and what the job returned."""
    answer, name = tempfile.mkstemp()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            signal.setitimer(signal.ITIMER_REAL, 10 * seconds)  # the machine may be busy
            resource.setrlimit(resource.RLIMIT_CPU, (round(seconds), round(seconds) + 1))
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            os.write(answer, json.dumps(job()).encode())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with open(answer, "rb") as file:
        file.seek(0)
        text = file.read()
    os.unlink(name)
    code = os.waitstatus_to_exitcode(status)
    timed_out = code in (-signal.SIGALRM, -signal.SIGXCPU)
    return TIMED_OUT if timed_out else code, json.loads(text) if text else None
