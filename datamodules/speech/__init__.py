"""Utterances with texts: which, in memory, in batches, at which speed."""
