"""The web console: pages for every user, a client of the other services' HTTP APIs. Keeps no domain state."""
