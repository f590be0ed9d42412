"""The words for what store and sync found, for the screens and the command line."""
