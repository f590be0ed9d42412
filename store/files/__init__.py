"""What stands beside a store: archive folders, locks, counts of failed log-ons, secrets."""
