"""From probabilities to what is reported: events, labellings."""
