"""Whisper as a recogniser: its own decoder and its own tokens, untouched or fine-tuned."""
