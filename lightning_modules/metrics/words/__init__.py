"""Words one by one: how well their confidences are calibrated, and the errors at those of a list."""
