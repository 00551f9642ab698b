"""What a report shows of searches beside their trials."""
