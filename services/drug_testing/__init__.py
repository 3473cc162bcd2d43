"""Test orders from suspicion to a settled result (重嫌必检)."""
