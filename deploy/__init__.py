"""Running and deploying the platform."""
