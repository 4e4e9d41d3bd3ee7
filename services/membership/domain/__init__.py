"""The rules of membership, one aggregate a file: refusals, state, evolve, decisions."""
