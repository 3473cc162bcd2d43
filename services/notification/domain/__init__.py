"""The rules of telling people, without input and output: states, times, and who is meant by a rule."""
