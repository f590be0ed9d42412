"""The user database: its model, its rules, and the interface that every store fulfils."""
