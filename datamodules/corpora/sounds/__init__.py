"""Corpora of sound events: the soundbank, clips mixed of it, synthetic ones."""
