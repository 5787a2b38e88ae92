"""A screen for instructions in passages: one cheap deterministic pass before any model reads."""
