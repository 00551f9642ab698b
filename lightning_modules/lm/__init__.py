"""Language models: n-gram, recurrent, gated convolutional."""
