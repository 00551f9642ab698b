"""From a run's predictions to its metrics, tables and lists, whatever the recogniser."""
