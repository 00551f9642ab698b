"""Readers of users' own speech data: one file a format, each yielding the same ``ManifestEntry``."""
