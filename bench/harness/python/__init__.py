"""The benchmark of the Python package: clients side by side, one process a figure."""
