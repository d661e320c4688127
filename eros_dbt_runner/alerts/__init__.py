"""`eros health` and `eros alerts`: the scorecard, and how its findings reach somebody."""
