"""The whole platform as real processes, with a real broker and real databases."""
