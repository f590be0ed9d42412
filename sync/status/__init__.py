"""Is everything well: how syncs ended, what waits, and who is told of it."""
