"""Which services are there? Known without importing anything of them: completion in a shell waits for every import."""

RECORDING = ("membership", "welfare", "awards", "notifications")
"""Those that decide and record."""

SERVICES = (*RECORDING, "audit")
