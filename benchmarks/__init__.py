"""Measures mailroster against floors, as ratios within one run."""
