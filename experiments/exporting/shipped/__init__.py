"""What an exported folder has to run by itself: numpy and onnxruntime, nothing of torch and nothing of earmark."""
