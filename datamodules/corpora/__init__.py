"""One file a corpus: where it comes from, under which licence, and how it becomes a folder on this disk."""
