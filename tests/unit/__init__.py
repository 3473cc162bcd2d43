"""Rules and parts by themselves: no broker, no database server, no other process."""
