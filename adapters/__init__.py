"""One file per framework: its words and nothing else."""
