"""Bringing a file of an older schema to the current one.

A file is migrated in memory whenever it is read, so that looking at it changes nothing. The next
write, under the writer's lock like every write, stores the result; the file as it was stays among
the backups, under a name that keeps it from being dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from store.tables_file import Tables

SCHEMA = 1

Step = Callable[[Tables], Tables]

# From which schema: how its tables become those of the next one. A step never changes its argument
# in place. Fields that are new and have a default need none. `tests/store/schemas` has a real
# file of every schema.
STEPS: Mapping[int, Step] = {}


def migrated(tables: Tables, schema: int) -> Tables:
    """Return `tables`, which are of `schema`, as those of the current one.

    Raises `LookupError` for a schema that never existed.
    """
    for number in range(schema, SCHEMA):
        tables = STEPS[number](tables)
    return tables
