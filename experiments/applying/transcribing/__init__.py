"""Audio of any length to texts with times: cut into parts, read, aligned, written."""
