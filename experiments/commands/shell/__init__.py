"""What the command line does for whoever types: completion, and what to type next."""
