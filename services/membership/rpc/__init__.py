"""Message to question, and answer to message: one module for each gRPC service that membership answers."""

from membership.rpc.consents import CONSENTS as CONSENTS
from membership.rpc.consents import ConsentsQuestions as ConsentsQuestions
from membership.rpc.names import NAMES as NAMES
from membership.rpc.names import NamesQuestions as NamesQuestions
from membership.rpc.officers import OFFICERS as OFFICERS
from membership.rpc.officers import OfficersQuestions as OfficersQuestions
from membership.rpc.personal_data import PERSONAL_DATA as PERSONAL_DATA
from membership.rpc.personal_data import PersonalDataQuestions as PersonalDataQuestions
from membership.rpc.readings import Readings as Readings
from membership.rpc.register import SERVICE as SERVICE
from membership.rpc.register import Questions as Questions
