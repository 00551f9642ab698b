"""Claims beside finished runs: findings, verdicts, and their text."""
