"""Numbers in, numbers out: means, spread, paired tests, the bootstrap. No torch, no MLflow, no files."""
