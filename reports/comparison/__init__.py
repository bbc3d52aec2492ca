"""Two runs beside each other: what is new, fixed or changed from the first to the second, and what cannot be told."""
