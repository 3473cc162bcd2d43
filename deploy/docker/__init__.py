"""The image of the platform, and the check of real containers."""
