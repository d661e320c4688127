"""The commands of `eros`, one module per kind. Heavy imports stand inside the functions."""
