"""``earmark data …``: prepare, import and check corpora."""
