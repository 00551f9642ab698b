"""What the options of ``earmark report`` mean: where its results come from, what it draws, what it prints instead."""
