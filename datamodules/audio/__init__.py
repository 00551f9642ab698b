"""Audio files: the one reader, what their bytes say, what decoding them to the end says."""
