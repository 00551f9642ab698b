"""Predicted events as files of other tools, each of which ``earmark data import`` reads back."""
