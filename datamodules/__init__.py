"""Bytes to batches: corpora, manifests, samplers and the LightningDataModules that serve them."""
