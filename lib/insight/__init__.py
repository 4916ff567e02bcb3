"""What the ledger's sums mean: why spending changed, what it would have been, where it is heading, what to believe.

Values in, values out; money is integers throughout, None is unknown, and parts add up to their whole exactly.
"""
