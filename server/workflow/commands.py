"""Commands on a case, in the imperative. `decide` carries them out or refuses.

They are values: a shell builds one, and may repeat it after a conflict on the document. Who acts and when
travels beside the command, not in it; names inside a command (`by`, `submitted_by`, `answered_by`) are facts
about the work, not about the sender.
"""

from __future__ import annotations

from server.workflow.aftercare_commands import (
    CancelCustomerInspection,
    PlanCustomerInspection,
    RateService,
    RecordContact,
    RecordCustomerInspection,
    RecordRatingAction,
)
from server.workflow.approval_commands import (
    DecideApproval,
    NameApprover,
    ProposeChange,
    ProposeScheme,
    WithdrawProposal,
)
from server.workflow.case_commands import (
    AmendCase,
    CommandBase,
    DateStage,
    ExtendScheme,
    MoveStage,
    OpenCase,
    PauseClock,
    People,
    ResumeClock,
    SetFacts,
)
from server.workflow.customer_commands import IssueLink, RevokeLink, WishAppointment
from server.workflow.energization_commands import (
    AbortSwitching,
    ApproveWaiver,
    Authorize,
    Hold,
    ProposeWaiver,
    RecordEnergization,
    RecordEntry,
    RecordIsolation,
    RecordOnLoadCheck,
    RecordPaper,
    RecordSteps,
    ReleaseHold,
    StepDone,
    WithdrawWaiver,
)
from server.workflow.explanation_commands import AuditExplanation, ExplainAnomaly
from server.workflow.field_commands import (
    Accepted,
    AssignTask,
    AwaitingPhotos,
    CancelTask,
    ChangeChecklist,
    Outcome,
    QuarantineUnsent,
    Reassign,
    RecordPhoto,
    RecordSubmission,
    ReopenQuarantine,
    ReportHazard,
    Returned,
    Revisions,
    SettleConflict,
    SettleLateBranch,
    SettleQuarantine,
    TakeQuarantined,
)
from server.workflow.handover_commands import HandOver, RecordPreInspection, RecordSelfCheck
from server.workflow.meeting_commands import CallMeeting, CancelMeeting, RecordMinutes
from server.workflow.metering_commands import PlanMetering
from server.workflow.notice_commands import (
    AcceptNotice,
    AmendNotice,
    AnsweredItem,
    AnswerNotice,
    ConfirmWithdrawal,
    CosignNotice,
    DeliverNotice,
    DisputeNotice,
    ExtendDeadlines,
    IssueNotice,
    MarkCovered,
    ProposeWithdrawal,
    RecordReminder,
    RecordSpecialists,
    RejectWithdrawal,
    ScheduleReinspection,
    SettleDispute,
    StateDates,
)
from server.workflow.power_use_commands import DeclareGrowth, RecordUse

__all__ = [
    "AbortSwitching",
    "AcceptNotice",
    "Accepted",
    "AmendCase",
    "AmendNotice",
    "AnswerNotice",
    "AnsweredItem",
    "ApproveWaiver",
    "AssignTask",
    "AuditExplanation",
    "Authorize",
    "AwaitingPhotos",
    "CallMeeting",
    "CancelCustomerInspection",
    "CancelMeeting",
    "CancelTask",
    "ChangeChecklist",
    "Command",
    "CommandBase",
    "ConfirmWithdrawal",
    "CosignNotice",
    "DateStage",
    "DecideApproval",
    "DeclareGrowth",
    "DeliverNotice",
    "DisputeNotice",
    "ExplainAnomaly",
    "ExtendDeadlines",
    "ExtendScheme",
    "HandOver",
    "Hold",
    "IssueLink",
    "IssueNotice",
    "MarkCovered",
    "MoveStage",
    "NameApprover",
    "OpenCase",
    "Outcome",
    "PauseClock",
    "People",
    "PlanCustomerInspection",
    "PlanMetering",
    "ProposeChange",
    "ProposeScheme",
    "ProposeWaiver",
    "ProposeWithdrawal",
    "QuarantineUnsent",
    "RateService",
    "Reassign",
    "RecordContact",
    "RecordCustomerInspection",
    "RecordEnergization",
    "RecordEntry",
    "RecordIsolation",
    "RecordMinutes",
    "RecordOnLoadCheck",
    "RecordPaper",
    "RecordPhoto",
    "RecordPreInspection",
    "RecordRatingAction",
    "RecordReminder",
    "RecordSelfCheck",
    "RecordSpecialists",
    "RecordSteps",
    "RecordSubmission",
    "RecordUse",
    "RejectWithdrawal",
    "ReleaseHold",
    "ReopenQuarantine",
    "ReportHazard",
    "ResumeClock",
    "Returned",
    "Revisions",
    "RevokeLink",
    "ScheduleReinspection",
    "SetFacts",
    "SettleConflict",
    "SettleDispute",
    "SettleLateBranch",
    "SettleQuarantine",
    "StateDates",
    "StepDone",
    "TakeQuarantined",
    "WishAppointment",
    "WithdrawProposal",
    "WithdrawWaiver",
]
Command = (
    OpenCase
    | AmendCase
    | SetFacts
    | MoveStage
    | PauseClock
    | ResumeClock
    | DateStage
    | ExtendScheme
    | IssueLink
    | RevokeLink
    | WishAppointment
    | ExplainAnomaly
    | AuditExplanation
    | AssignTask
    | Reassign
    | CancelTask
    | ChangeChecklist
    | RecordSubmission
    | SettleLateBranch
    | RecordPhoto
    | AmendNotice
    | CosignNotice
    | IssueNotice
    | DeliverNotice
    | AcceptNotice
    | DisputeNotice
    | SettleDispute
    | StateDates
    | ExtendDeadlines
    | RecordSpecialists
    | RecordReminder
    | MarkCovered
    | AnswerNotice
    | ScheduleReinspection
    | ProposeWithdrawal
    | ConfirmWithdrawal
    | RejectWithdrawal
    | RecordEntry
    | ReportHazard
    | QuarantineUnsent
    | SettleQuarantine
    | TakeQuarantined
    | ReopenQuarantine
    | SettleConflict
    | Hold
    | ReleaseHold
    | Authorize
    | RecordEnergization
    | ProposeWaiver
    | ApproveWaiver
    | WithdrawWaiver
    | RecordSteps
    | AbortSwitching
    | RecordIsolation
    | RecordOnLoadCheck
    | RecordPaper
    | CallMeeting
    | CancelMeeting
    | RecordMinutes
    | HandOver
    | RecordSelfCheck
    | RecordPreInspection
    | ProposeScheme
    | ProposeChange
    | NameApprover
    | DecideApproval
    | WithdrawProposal
    | RecordContact
    | RateService
    | RecordRatingAction
    | PlanCustomerInspection
    | RecordCustomerInspection
    | CancelCustomerInspection
    | PlanMetering
    | RecordUse
    | DeclareGrowth
)
