"""Post-processing of frame curves: fitted on a validation split, stored with the run, applied to any curves."""
