"""Texts: their rules and symbols, files of them, batches of sentences."""
