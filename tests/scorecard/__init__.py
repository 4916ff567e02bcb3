"""The scorecard: what is promised, how it is tested, and what came out of the full runs."""
