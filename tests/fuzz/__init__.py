"""A coverage-guided fuzzer on the loader: `python -m fuzz --help` in the folder tests."""
