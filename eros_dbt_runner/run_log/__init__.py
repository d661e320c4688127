"""`eros runs` and `eros rejected`: what has run, and what each run found."""
