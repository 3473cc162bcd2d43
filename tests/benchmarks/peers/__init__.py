"""What Baton is measured against: each a program of its own, written as its framework's documentation shows, and tuned.

They fill the same tables with the same rows as Baton. They run in the benchmark's own virtual environment, so nothing
here imports the platform.
"""
