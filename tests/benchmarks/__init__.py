"""Benchmarks: ``make bench``. Everything that is compared runs in the same run, on private servers."""
