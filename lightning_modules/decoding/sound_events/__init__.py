"""From curves and probabilities of clips to events and tags."""
