"""The host: turns a `ServiceDefinition` into a running nameko service. The only importer of nameko and eventlet."""
