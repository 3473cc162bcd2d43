"""One service, or one part of the platform, with its real database, broker and processes."""
