"""Transducer recognition: the system, its rungs, its stored form."""
