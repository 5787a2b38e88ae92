"""A source: a corpus in this process, the service that serves one, and the client that asks it."""
