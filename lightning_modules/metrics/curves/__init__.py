"""Evaluation of stored score curves at every operating point; `clip_statistics.py` says how it is built."""
