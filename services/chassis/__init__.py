"""How a service runs: event store, read models, publisher, reactions, rpc server, security, telemetry.

No word of the federation's language stands here: a service brings its events, its aggregates, its commands and its
questions; the chassis records, announces, answers and refuses for all of them in the same way.
"""
