"""The user database in PostgreSQL, for several hosts on one store.

`store.PostgresStore` is the `Store`, `upkeep.PostgresUpkeep` the `Upkeep`; nobody else looks in
here. The tables are in `migrations/`, docs/HOSTS.md says how hosts are set up. psycopg is imported
with the first connection, as a host without PostgreSQL need not have it.
"""
