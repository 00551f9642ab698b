"""A report as Markdown, LaTeX, CSV, JSON and a page."""
