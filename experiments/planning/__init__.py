"""What is finished, what is missing, and why."""
