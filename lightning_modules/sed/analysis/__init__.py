"""Where a detection system errs: by duration, at the edges, beside other classes, in tags or in times."""
