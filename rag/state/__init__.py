"""What a program has learned, kept in a file and read as if anyone had written it."""
