"""All tests: unit, contract, integration, end to end, benchmarks."""
