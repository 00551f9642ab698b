"""Recognition with an attention decoder, alone or beside CTC: systems, their rungs, their stored form."""
