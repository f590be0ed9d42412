"""Measures mailroster against floors, as ratios within one run."""

import os

# What is installed is compiled, so what is measured may be too.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
