"""Welfare decides on gift campaigns: their budget, who receives a share, and what became of it.

It leaves people and units to membership, which it asks whether a recipient is an active member, and messages to
notifications. It knows nobody's name.
"""
