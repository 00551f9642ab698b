"""From other people's labels of sound events to a corpus: lists joined, clips fitted, cut, dealt and written."""
