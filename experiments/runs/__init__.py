"""What a run is: its key, its folder and journal, its attempts, where it comes from. No torch, no MLflow."""
