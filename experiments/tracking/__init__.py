"""MLflow, and the delivery of run folders to it. Nothing else here talks to a store."""
