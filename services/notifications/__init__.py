"""Notifications decides on announcements and their reach, reminders of late reports, and what reaches whom by which channel.

It leaves the reports themselves, and every name and address of a person, to membership.
"""
