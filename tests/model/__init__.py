"""The delivery of a release to its task as a model, and a checker that visits every state it can be in."""
