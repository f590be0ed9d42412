"""The directory server of mailroster, and what all its servers have in common."""
