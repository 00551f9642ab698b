"""Finished runs on new audio: which run is meant, its system with its weights, and what it makes of files."""
