"""`eros backup`, `eros restore` and `eros rollback`."""
