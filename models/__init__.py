"""Trained weights that ship, one folder a model; inside the package ``zongjie.models``."""
