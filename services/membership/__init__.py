"""Membership decides on units and their tree, members and transfers, report obligations and plans.

It leaves gifts to welfare, honours to awards, reminders and messages to notifications. Only membership knows names.
"""
