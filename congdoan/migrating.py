"""How are all databases brought to their schema without starting five programs? Each service's own step, in one process.

Importing a service takes longer than its step, and most of what is imported is the same in all. The variable
`ENVIRONMENTS` holds, in JSON, the environment of each service.
"""

import importlib
import json
import os
import sys
from collections.abc import Mapping

ENVIRONMENTS = "CONGDOAN_ENVIRONMENTS"


def migrate(environments: Mapping[str, Mapping[str, str]]) -> int:
    """Take ``python -m <service> migrate`` for each; the first exit code that is not 0 ends it."""
    from chassis.run import run  # not above: the suite imports this module for a name

    for service, environment in environments.items():
        os.environ.update(environment)
        settings = importlib.import_module(f"{service}.settings").Settings
        wiring = importlib.import_module(f"{service}.wiring")
        if code := run(service, settings, wiring.real, ["migrate"], streams=()):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(migrate(json.loads(os.environ[ENVIRONMENTS])))
