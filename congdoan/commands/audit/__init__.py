"""What can be typed as an auditor? One module a command; each is named here, once it stands."""

from congdoan.commands.audit import as_of as as_of
from congdoan.commands.audit import figure as figure
from congdoan.commands.audit import granting as granting
from congdoan.commands.audit import reconciling as reconciling
from congdoan.commands.audit import replaying as replaying
from congdoan.commands.audit import verifying as verifying
from congdoan.commands.audit.group import audit as audit
