"""Parlour: the floors of the house are listed in README.md and held by tests/test_architecture.py."""
