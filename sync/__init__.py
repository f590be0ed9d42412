"""Users in step with a directory: planning, runs, log-on, and the servers."""
