"""What did a server tell, simulated or real, so that both can be compared?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from nats.errors import Error as NatsError

from chassis.pulling import Interrupted
from chassis.refusals import Refusal
from chassis.streams import JetStreamError


class Told:
    """Answers and errors, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def tell(self, what: str, value: object) -> None:
        """Note an answer."""
        self.told.append((what, value))

    @contextmanager
    def refused(self, what: str) -> Iterator[None]:
        """Note with which error something ends."""
        try:
            yield
            self.tell(what, "no error")
        except psycopg.OperationalError:
            self.tell(what, "OperationalError")  # whatever became of the connection
        except (psycopg.Error, Refusal) as error:
            self.tell(what, type(error).__name__)
        except JetStreamError as error:
            self.tell(what, ("JetStreamError", error.code))
        except Interrupted as error:
            self.tell(what, ("Interrupted", str(error)))
        except NatsError as error:
            self.tell(what, (type(error).__name__, getattr(error, "code", None), getattr(error, "err_code", None)))


def differences(simulated: Told, real: Told) -> list[str]:
    """Where the simulation told something else than the real server."""
    pairs = enumerate(zip(simulated.told, real.told, strict=False))
    found = [f"answer {number}: simulated {ours!r}, real {theirs!r}" for number, (ours, theirs) in pairs if ours != theirs]
    many, true = len(simulated.told), len(real.told)
    return found if many == true else [*found, f"{many} answers, and {true} of the real one"]
