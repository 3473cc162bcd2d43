"""Read models over all events: the timeline of a case, counts for each stage. No commands of its own."""
