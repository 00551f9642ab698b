"""Other people's sound events: a file a layout, each read into ``ClipEntry``."""
