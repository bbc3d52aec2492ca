"""The corpus: YAML files, found through importlib.resources."""
