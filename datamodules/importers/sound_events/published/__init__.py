"""Sound event data sets in the form in which they are published: a file a layout."""
