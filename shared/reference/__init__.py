"""Reference data: administrative divisions and the announced working days."""
