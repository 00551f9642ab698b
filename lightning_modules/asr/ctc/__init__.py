"""CTC recognition: the system, its output layer, the rungs of its decoding ladder, with a language model too."""
