"""``earmark results``: runs that travel, a file a verb."""
