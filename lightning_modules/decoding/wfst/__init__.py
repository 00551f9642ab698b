"""Word decoding in a weighted finite-state transducer."""
