"""What audit says: who was given which part of the history, and what was found and vouched for.

Evidence of access. It stands in the ledger under the same checkpoints as everything else, and is told to no province: in
which branch somebody looked is nobody's business there. No person's data is in it; whoever was looked for is an id.
"""

from audit.events import vocabulary as vocabulary
from audit.events.access import CutPosition as CutPosition
from audit.events.access import HistoryReplayed as HistoryReplayed
from audit.events.access import OfReader as OfReader
from audit.events.certificates import CertifiedStanding as CertifiedStanding
from audit.events.certificates import FigureCertified as FigureCertified
from audit.events.cuts import CutNamed as CutNamed
from audit.events.verifications import HistoryVerified as HistoryVerified
from audit.events.verifications import VerifiedPart as VerifiedPart
