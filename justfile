# `just` lists the recipes. Each is one line that works by itself.

bin := ".venv/bin"

[private]
default:
    @"{{just_executable()}}" --list --unsorted

# the environment, from the locked versions
install:
    python3 -m venv .venv && {{bin}}/pip install -q -c constraints.txt -e '.[dev]'

# the screens, or any command: just run users list
run *words:
    {{bin}}/mailroster {{words}}

# the screens on a throwaway store
demo:
    {{bin}}/mailroster demo

# all tests but campaigns and those that measure time: just test, just test tests/store
test *words:
    {{bin}}/pytest {{words}}

# the campaigns: kills at every step, each screen and form in a real terminal
test-campaigns:
    {{bin}}/pytest -m campaign

# the tests that measure time, alone
test-alone:
    {{bin}}/pytest -n 0 -m alone

# lint, format, types, imports
lint:
    {{bin}}/ruff check . && {{bin}}/ruff format --check . && {{bin}}/mypy && {{bin}}/lint-imports --no-cache

# mend what ruff can mend
format:
    {{bin}}/ruff check --fix . && {{bin}}/ruff format .

# which lines no test runs; where a test fills the disk, the figures have no room either
coverage:
    {{bin}}/coverage erase && {{bin}}/coverage run -m pytest -m 'not alone' --deselect tests/sync/runs/test_full_disk.py::test_a_command_ends_with_22_and_works_again_with_room; {{bin}}/coverage combine -q && {{bin}}/coverage report

# small changes to the rules that no test sees: just mutants, just mutants sync.planning.guard
mutants *modules:
    {{bin}}/pip install -q -c constraints.txt -e '.[mutation]' && {{bin}}/python tests/support/mutants.py {{modules}}

# time and memory, as ratios to a floor in the same run
bench *words:
    {{bin}}/python -m benchmarks {{words}}

# the generated documents: keys, man page, completion
generate:
    {{bin}}/python -m docs.keys_reference && {{bin}}/python -m docs.commands_reference

# accept the screens' new look; look at the pictures first
snapshot-update:
    {{bin}}/pytest tests/tui/test_snapshots.py --snapshot-update

# the README's pictures
pictures:
    {{bin}}/python docs/make_pictures.py

# wheel and sdist, checked
build:
    rm -rf dist && {{bin}}/python -m build --outdir dist && {{bin}}/python -m tests.support.check_wheel dist/*.whl dist/*.tar.gz

# what every change must pass
ci:
    .ci/run
