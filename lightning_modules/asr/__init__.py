"""Speech recognition: a LightningModule a system, and what scores them."""
