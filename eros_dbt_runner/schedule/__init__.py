"""`eros schedule`, `eros explain` and `eros select`: a plan, and why it is as it is."""
