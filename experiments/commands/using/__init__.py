"""Commands that use finished runs: on new audio, as files to take away, as a page."""
