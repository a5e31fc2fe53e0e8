"""What the system knows and how it is run; ships inside the package as ``zongjie.configs``."""
