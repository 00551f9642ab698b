"""Batches to losses, hypotheses and scores: layers, losses, decoding, metrics and the systems made of them."""
