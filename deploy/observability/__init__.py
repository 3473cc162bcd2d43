"""What is watched: rules, dashboards, and who hears of it."""
