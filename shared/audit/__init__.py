"""Who did what, provably: audit rows are sealed into a hash chain, and each day's end of it is signed."""
