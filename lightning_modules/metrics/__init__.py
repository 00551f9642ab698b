"""Scores of hypotheses against references, in agreement with the field's authorities."""
