"""Soundscapes of a user's own isolated sounds: which recordings there are, how they are mixed, and the corpus."""
