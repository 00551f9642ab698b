"""Figures of a run's test curves at every threshold: which curves are scored, under which names, and what is kept."""
