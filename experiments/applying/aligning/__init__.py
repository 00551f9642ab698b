"""When the words of given texts are said: texts to symbols, the alignment, its files."""
