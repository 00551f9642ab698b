"""What an N-best list says together: its posterior, the text of the least expected error, how sure each word is."""
