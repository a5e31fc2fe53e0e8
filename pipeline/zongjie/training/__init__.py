"""Where weights are made; nothing here is needed to extract."""
