"""`python -m tui.cli` is `mailroster`."""

from tui.cli import main

main()
