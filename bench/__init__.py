"""The figures of the README, measured on this machine: `python -m bench` (see `__main__`)."""
