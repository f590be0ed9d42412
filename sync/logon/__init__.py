"""Who may log on, to what, and how mail servers ask."""
