"""Backup and restore of PostgreSQL with its own tools, and how old the backups are."""
