"""One run's configuration, checked against the signatures of the classes that it names. Imports Lightning."""
