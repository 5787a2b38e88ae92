"""From ratings to reputation: exact integer computations on a graph of accounts.

Nothing here reads a chain, a store or a clock: the same input gives the same bits on any machine.
"""
