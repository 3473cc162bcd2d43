"""Cases told in plain words, with times, and played by the real services over the real broker."""
