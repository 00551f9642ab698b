"""A trained system for others: ONNX with proof, weights, a script that needs no earmark, a card, and the way back."""
