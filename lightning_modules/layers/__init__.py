"""Network parts: torch only, no training logic."""
