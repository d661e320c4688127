"""`eros serve` and `eros schedules`: what runs when, by our own service or by another scheduler."""
