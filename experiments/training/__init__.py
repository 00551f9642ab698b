"""One run in one process: fit, predict, score. No MLflow here."""
