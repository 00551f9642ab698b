"""A table file, read strictly into frozen dataclasses. No torch, no MLflow."""
