"""Searches of transducers."""
