"""What screens with one big table have in common: filter and sort order."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from tui.screens.base import BaseScreen
from tui.widgets.context import ContextLine
from tui.widgets.filtered_table import FilteredTable
from tui.widgets.table import Table


class TableScreen(BaseScreen):
    """A screen around a `FilteredTable`; give it the scope `table`."""

    table: Table[Any]

    def list_of(self, title: str) -> FilteredTable[Any]:
        """Return the table in its frame, over the line that says where one is."""
        return FilteredTable(self.table, title, ContextLine(short=True))

    @override
    def why_not(self, name: str) -> str | None:
        if name == "reverse" and not self.table.is_sorted:
            return "The lines are not sorted by a column; o does that."
        return super().why_not(name)

    async def go_back(self) -> None:
        """Leave the filter first."""
        if not self.query_one(FilteredTable).close_filter():
            await super().go_back()

    def on_table_moved(self) -> None:
        """Another row is under the cursor."""
        self.refresh_bindings()

    def action_filter(self) -> None:
        """Open the filter box."""
        self.query_one(FilteredTable).open_filter()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.table.sort_by_next()

    def action_reverse(self) -> None:
        """Reverse the sort order."""
        self.table.reverse_sort()
