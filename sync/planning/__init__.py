"""What a sync would change, and why: pure rules from a state and an answer to a plan."""
