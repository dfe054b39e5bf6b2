"""The speed figures of docs/speed.md: `make bench`, or `python -m benchmarks NAME …` for some of them."""
