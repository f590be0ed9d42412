"""A table with its filter box and the line that says where the cursor is."""

from __future__ import annotations

from typing import Generic

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.actions import bindings_for
from tui.widgets.fields import Field
from tui.widgets.table import Row, Table


class FilterField(Field):
    """Where the text is entered that the lines are filtered by."""

    SCOPES = ("filter",)
    BINDINGS = bindings_for(*SCOPES)

    class Taken(Message):
        """The filter is right so; on to the lines."""

    def action_take(self) -> None:
        """Go on to the lines."""
        self.post_message(self.Taken())


class FilteredTable(Vertical, Generic[Row]):
    """A table; `open_filter` asks for the text that rows must contain.

    `title` is that of its frame, `beside` stands at the right of the line below.
    """

    DEFAULT_CSS = """
    FilteredTable Table { height: 1fr; }
    FilteredTable Horizontal { height: 1; }
    FilteredTable .position { width: 3fr; padding: 0 1; color: $text-muted; }
    FilteredTable .beside { width: auto; padding: 0 1; }
    FilteredTable.-filtering .beside { display: none; }
    FilteredTable Field { width: 1fr; display: none; }
    FilteredTable.-filtering Field { display: block; min-width: 12; }
    FilteredTable.-filtering .position { width: auto; }
    """

    def __init__(self, table: Table[Row], title: str = "", beside: Widget | None = None) -> None:
        super().__init__()
        self.border_title = title
        self.table = table
        self._beside = beside
        self._position = Static(markup=False, classes="position")

    def compose(self) -> ComposeResult:
        """Build the table over one line."""
        yield self.table
        with Horizontal():
            yield self._position
            if self._beside is not None:
                yield self._beside
            yield FilterField(placeholder=self.table.filter_hint)

    def on_mount(self) -> None:
        """Follow the table's position."""
        self.watch(self.table, "position", self._show_position)

    def _show_position(self, position: str) -> None:
        is_as_long = len(position) == len(str(self._position.content))
        self._position.update(position, layout=not is_as_long)

    def open_filter(self) -> None:
        """Show the filter box and go to it."""
        self.add_class("-filtering")
        self.query_one(Field).focus()
        self.table.prepare_filter()

    def close_filter(self) -> bool:
        """Show all rows again; tell whether the filter box was open."""
        if not self.has_class("-filtering"):
            return False
        self.query_one(Field).value = ""
        self.table.filter("")
        self.table.focus()
        self.remove_class("-filtering")
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        event.stop()
        self.table.filter(event.value)

    def on_filter_field_taken(self) -> None:
        """Keep the filter and go back to the table."""
        self.table.focus()
