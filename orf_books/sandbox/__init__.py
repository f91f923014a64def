"""The external services as local servers, for the demo, the tests and the benchmarks."""
