"""What follows from the events of one thing up to a cut and a day: a member, a campaign, an award. One fold a file.

Each reads the published JSON by topic, as the figures do, and no personal field of it.
"""
