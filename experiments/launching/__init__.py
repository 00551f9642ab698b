"""From a plan to processes: what is ready runs, here or as SLURM jobs, so many at a time."""
