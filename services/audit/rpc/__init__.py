"""Message to question, and answer to message: one module for each gRPC service that audit answers."""

from audit.rpc.as_of import AS_OF as AS_OF
from audit.rpc.as_of import AsOfQuestions as AsOfQuestions
from audit.rpc.cuts import Cuts as Cuts
from audit.rpc.log_and_figures import SERVICE as SERVICE
from audit.rpc.log_and_figures import Questions as Questions
from audit.rpc.passport import PASSPORT as PASSPORT
from audit.rpc.passport import PassportQuestions as PassportQuestions
from audit.rpc.replay import REPLAY as REPLAY
from audit.rpc.replay import ReplayQuestions as ReplayQuestions
from audit.rpc.verification import VERIFICATION as VERIFICATION
from audit.rpc.verification import VerificationQuestions as VerificationQuestions
