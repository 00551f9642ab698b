"""Finished runs of a table as one file, to carry to another store or to print a report from."""
