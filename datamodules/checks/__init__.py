"""What can be wrong with speech that was brought: its audio, texts and splits, and the longest batch of it."""
