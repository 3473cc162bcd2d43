"""How the platform is installed, watched and grown: what is in `deploy/`, held against what really runs."""
