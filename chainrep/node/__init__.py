"""The road from the outbox to the chain."""
