"""Sound events of any audio file by a finished run: ``earmark predict``."""
