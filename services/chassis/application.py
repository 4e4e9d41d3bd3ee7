"""How is a command authorised, loaded, decided and saved? Once, here, for every service.

Aggregates live in a bounded cache, decisions are made in memory on the event loop, and only the append waits for the
disk, together with everything else in flight. A batch is decided item by item and appended at once.
"""
