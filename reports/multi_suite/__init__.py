"""Several suites in one report: what a paper says over all datasets."""
