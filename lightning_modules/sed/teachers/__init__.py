"""Systems that learn from what another network says: of a run before, or their own average."""
