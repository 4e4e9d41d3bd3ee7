"""What membership says: units and their tree, members, duties, officers, consents, erasure.

The only module that another service may import.
"""

from membership.events.data_requests import Acknowledgement as Acknowledgement
from membership.events.data_requests import DataRequestAnswered as DataRequestAnswered
from membership.events.data_requests import DataRequestCarriedOut as DataRequestCarriedOut
from membership.events.data_requests import DataRequestExtended as DataRequestExtended
from membership.events.data_requests import DataRequestKind as DataRequestKind
from membership.events.data_requests import DataRequestReceived as DataRequestReceived
from membership.events.data_requests import ErasureAcknowledged as ErasureAcknowledged
from membership.events.data_requests import ErasureCertified as ErasureCertified
from membership.events.data_requests import FieldClass as FieldClass
from membership.events.data_requests import LegalHoldLifted as LegalHoldLifted
from membership.events.data_requests import LegalHoldPlaced as LegalHoldPlaced
from membership.events.data_requests import SubjectErased as SubjectErased
from membership.events.duties import PlanItemAdded as PlanItemAdded
from membership.events.duties import PlanItemCompleted as PlanItemCompleted
from membership.events.duties import PlanItemKind as PlanItemKind
from membership.events.duties import ReportAccepted as ReportAccepted
from membership.events.duties import ReportObligationSet as ReportObligationSet
from membership.events.duties import ReportReturned as ReportReturned
from membership.events.duties import ReportSubmitted as ReportSubmitted
from membership.events.families import ChildDetailsCorrected as ChildDetailsCorrected
from membership.events.families import ChildRegistered as ChildRegistered
from membership.events.families import ConsentGiven as ConsentGiven
from membership.events.families import ConsentGiver as ConsentGiver
from membership.events.families import ConsentPurpose as ConsentPurpose
from membership.events.families import ConsentWithdrawn as ConsentWithdrawn
from membership.events.members import HardshipEnded as HardshipEnded
from membership.events.members import HardshipGrade as HardshipGrade
from membership.events.members import HardshipRecorded as HardshipRecorded
from membership.events.members import MemberDetailsCorrected as MemberDetailsCorrected
from membership.events.members import MemberJoined as MemberJoined
from membership.events.members import MemberLeft as MemberLeft
from membership.events.members import MemberReleased as MemberReleased
from membership.events.members import PersonalDataRead as PersonalDataRead
from membership.events.members import TransferAccepted as TransferAccepted
from membership.events.members import TransferRefused as TransferRefused
from membership.events.members import TransferRequested as TransferRequested
from membership.events.offices import AUTHORITIES as AUTHORITIES
from membership.events.offices import AuthorityDelegated as AuthorityDelegated
from membership.events.offices import DelegationRevoked as DelegationRevoked
from membership.events.offices import Matter as Matter
from membership.events.offices import Office as Office
from membership.events.offices import OfficerAppointed as OfficerAppointed
from membership.events.offices import OfficerReleased as OfficerReleased
from membership.events.offices import ReleaseReason as ReleaseReason
from membership.events.units import GRASSROOTS_DEPTH as GRASSROOTS_DEPTH
from membership.events.units import UNITS as UNITS
from membership.events.units import Attachment as Attachment
from membership.events.units import Level as Level
from membership.events.units import UnitAttached as UnitAttached
from membership.events.units import UnitDissolved as UnitDissolved
from membership.events.units import UnitEstablished as UnitEstablished
from membership.events.units import UnitRenamed as UnitRenamed
from membership.events.units import unit_after as unit_after
