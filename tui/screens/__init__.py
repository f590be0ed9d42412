"""One module for each screen and dialog."""
