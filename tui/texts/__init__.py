"""How what store and sync found is said to a person, on screens and on the command line."""
