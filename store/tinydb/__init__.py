"""The store in one file: its format, durable writes, history, backups, restore and check."""
