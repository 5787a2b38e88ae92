"""Everything that speaks to an Ethereum chain."""
