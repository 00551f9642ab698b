"""Searches on CTC's frames: best path, prefix search, the prefix beam and what multiplies its prefixes."""
