"""What a case keeps of how a form was signed by its tablet, so that it can be verified again in years."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from server.workflow.vocabulary import MAX_ID, Moment, Value

__all__ = ["DeviceSignature", "FormSigned"]

FormSigned = Literal["signed", "unsigned", "wrong"]
_Short = Annotated[str, Meta(max_length=MAX_ID)]


class DeviceSignature(Value, frozen=True, kw_only=True):
    """One branch of a form, as its device signed it, or did not.

    `received_at`: when the branch was first judged; whether a key was revoked then is what counts.
    `signed_at`: by the tablet's clock set right. `draft`: a branch that nobody handed in. `code`: why the
    branch does not hold; with `unsigned`, that the organisation takes none.
    """

    rev: str
    verdict: Literal["signed", "unsigned", "wrong", "draft"]
    received_at: Moment
    code: str = ""
    kid: _Short = ""
    device: str = ""
    by: str = ""
    signed_at: Moment | None = None
    digest: str = ""


def form_signed(branches: tuple[DeviceSignature, ...]) -> FormSigned | None:
    """What a form made of these branches is: only as good as its worst. None where nothing was recorded."""
    verdicts = {branch.verdict for branch in branches}
    if not verdicts:
        return None
    if "wrong" in verdicts:
        return "wrong"
    return "signed" if verdicts == {"signed"} else "unsigned"
