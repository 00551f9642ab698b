"""Pictures of a whole report: its rows compared at one glance, one clip as its systems hear it, what they confuse."""
