"""The services. None imports another; they share only `shared` and the events."""
