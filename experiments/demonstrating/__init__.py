"""A page of static files on which finished runs hear somebody's audio, in the browser and without a server."""
