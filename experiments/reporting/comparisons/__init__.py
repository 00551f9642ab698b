"""Two rows of a report compared: over test units, over trainings, over both; verdicts, and what would decide more."""
