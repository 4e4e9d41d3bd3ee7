"""Audit follows every service's stream, seals what it hears, and derives the year's figures once more by its own code.

What it records itself is who was given what of it. It asks no other service and shares no derivation with any: what it knows
of the others is the JSON of their events, read by topic. So a mistake in a service's event class, read model or tree is not
repeated here, and shows.
"""
