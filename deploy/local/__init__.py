"""The whole platform on one machine: private broker and database, all services as processes, demonstration data."""
