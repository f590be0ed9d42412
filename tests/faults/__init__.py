"""Faults done to the store on purpose: `python -m tests.faults`."""
