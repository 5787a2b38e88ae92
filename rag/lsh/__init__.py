"""Codes of hidden states and embeddings that show which model computed them, and their checks."""
