"""Searches of attention decoders, token by token."""
