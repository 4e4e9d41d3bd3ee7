"""Awards decides on nominations and what becomes of them, on quotas, and on initiatives against target.

It leaves units and members to membership, gifts to welfare, messages to notifications, and knows no names.
"""
