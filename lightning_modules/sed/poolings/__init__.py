"""Further poolings of frame curves into clip probabilities, a system a file."""
