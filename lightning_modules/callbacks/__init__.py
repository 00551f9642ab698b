"""What happens around training: files in the run folder and journal lines, never MLflow."""
