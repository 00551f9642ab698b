"""A finished run as a folder that needs no earmark: ONNX, safetensors, a script, a model card."""
