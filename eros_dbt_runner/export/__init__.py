"""`eros export`: the published messages for people and other programs."""
