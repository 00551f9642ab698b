"""Clips with events and tags: in memory, and the lists that hold them."""
