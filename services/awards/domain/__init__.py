"""The rules of awards, one aggregate a file: refusals, state, evolve, decisions."""
