"""Language models that answer from passages: local ones, endpoints, and recorded answers."""
