"""What ``earmark …`` does: a file a command, and what several commands share."""
