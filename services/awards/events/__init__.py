"""What awards says: nominations and what became of them, quotas, initiatives against target, honours of children.

The only module that another service may import. Persons are named by `member_id` only. `unit` is the recipient's unit
in every event of a nomination, the decider in a quota's, and the unit that registers in an initiative's.
"""

from awards.events import vocabulary as vocabulary
from awards.events.child_honours import AchievementLevel as AchievementLevel
from awards.events.child_honours import AchievementPrize as AchievementPrize
from awards.events.child_honours import ChildAchievement as ChildAchievement
from awards.events.child_honours import ChildAchievementRegistered as ChildAchievementRegistered
from awards.events.child_honours import ChildAchievementVerified as ChildAchievementVerified
from awards.events.child_honours import ChildHonoured as ChildHonoured
from awards.events.child_honours import ChildHonourPublished as ChildHonourPublished
from awards.events.child_honours import ChildHonourRoundOpened as ChildHonourRoundOpened
from awards.events.child_honours import ChildHonourWithdrawn as ChildHonourWithdrawn
from awards.events.child_honours import PublicationEnd as PublicationEnd
from awards.events.initiatives import InitiativeAccepted as InitiativeAccepted
from awards.events.initiatives import InitiativeProgrammeOpened as InitiativeProgrammeOpened
from awards.events.initiatives import InitiativeRegistered as InitiativeRegistered
from awards.events.initiatives import InitiativeRejected as InitiativeRejected
from awards.events.nominations import ArtefactRecovered as ArtefactRecovered
from awards.events.nominations import Award as Award
from awards.events.nominations import AwardDecided as AwardDecided
from awards.events.nominations import AwardEndorsed as AwardEndorsed
from awards.events.nominations import AwardForm as AwardForm
from awards.events.nominations import AwardPresented as AwardPresented
from awards.events.nominations import AwardProposed as AwardProposed
from awards.events.nominations import AwardResubmitted as AwardResubmitted
from awards.events.nominations import AwardReturned as AwardReturned
from awards.events.nominations import AwardRevoked as AwardRevoked
from awards.events.nominations import AwardScope as AwardScope
from awards.events.nominations import CertificateOfMeritAwarded as CertificateOfMeritAwarded
from awards.events.nominations import CommendationAwarded as CommendationAwarded
from awards.events.nominations import Decision as Decision
from awards.events.nominations import FlagAwarded as FlagAwarded
from awards.events.nominations import PublicHonourAwarded as PublicHonourAwarded
from awards.events.nominations import QuotaSet as QuotaSet
from awards.events.nominations import QuotaUse as QuotaUse
