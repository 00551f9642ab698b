"""What clips were recorded from, and splits that are dealt by it."""
