"""What a person sees of a table: its numbers, tests, charts and page, notes and saved views, expected figures."""
