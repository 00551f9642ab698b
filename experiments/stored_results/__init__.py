"""What finished runs left behind, read again: scores, counts behind metrics, references. Nothing is trained."""
