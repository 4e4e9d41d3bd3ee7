"""Which services are there? Known without importing anything of them: completion in a shell waits for every import."""

RECORDING = ("membership", "welfare", "awards", "notifications")
"""Those that record what happens in the federation; a province receives its own part of each."""

SERVICES = (*RECORDING, "audit")
"""All of them, each with a stream of its own. What audit records is who looked at what, and is told to no province."""
