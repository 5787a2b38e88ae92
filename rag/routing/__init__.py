"""Whom to ask: routers that learn from what asking was worth, and plain ones beside them."""
