"""The real service of an earlier release, which does not know an event as it is now.

``python -m tests.faults.behind TOPIC SERVICE``
"""

import runpy
import sys
from importlib import import_module

from chassis.events import TOPICS

if __name__ == "__main__":
    topic, service = sys.argv[1:]
    import_module(f"{service}.wiring")
    TOPICS[topic].schema_version -= 1
    sys.argv = [service, "serve"]
    runpy.run_module(service, run_name="__main__", alter_sys=True)
