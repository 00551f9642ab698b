"""Sound event detection from clip labels: one LightningModule a system."""
