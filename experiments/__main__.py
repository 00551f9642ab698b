"""``python -m experiments`` and the console script ``earmark``."""
