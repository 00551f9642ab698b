"""What decoders ask of language models: n-gram tables, words from characters, fusion by token, rescoring."""
