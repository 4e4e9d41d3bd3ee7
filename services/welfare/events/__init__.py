"""What welfare says: gift campaigns, and how far each share of them is.

The only module that another service may import. Money is whole đồng. What is told of a campaign stands at the unit that
holds it; what is told of a share stands at the recipient's unit, so that the figures of units add up to those of the
unit above. No person is named: a recipient is an id.
"""

from welfare.events import vocabulary as vocabulary
from welfare.events.gifts import BeneficiaryApproved as BeneficiaryApproved
from welfare.events.gifts import BeneficiaryProposed as BeneficiaryProposed
from welfare.events.gifts import BeneficiaryRejected as BeneficiaryRejected
from welfare.events.gifts import BudgetAdjusted as BudgetAdjusted
from welfare.events.gifts import BudgetApproved as BudgetApproved
from welfare.events.gifts import GiftCampaignClosed as GiftCampaignClosed
from welfare.events.gifts import GiftCampaignOpened as GiftCampaignOpened
from welfare.events.gifts import GiftDistributed as GiftDistributed
from welfare.events.gifts import GiftForm as GiftForm
from welfare.events.gifts import GiftReceiptConfirmed as GiftReceiptConfirmed
from welfare.events.gifts import GiftReturned as GiftReturned
from welfare.events.gifts import OfCampaign as OfCampaign
from welfare.events.gifts import OfShare as OfShare
from welfare.events.gifts import RejectionReason as RejectionReason
from welfare.events.gifts import ReturnReason as ReturnReason
from welfare.events.gifts import ShareStatus as ShareStatus
