"""Corpora of speech with texts, real ones and a synthetic one."""
