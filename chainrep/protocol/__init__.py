"""The protocol as pure functions: what is packed, hashed and signed, byte for byte."""
