"""How changes are made: every one is a run that is recorded, and can be taken back."""
