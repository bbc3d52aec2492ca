"""The HTML report: one page per run, that needs nothing beside it and asks the network for nothing."""
