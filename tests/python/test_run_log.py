"""`eros runs` and `eros runs show`."""
