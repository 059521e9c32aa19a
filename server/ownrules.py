"""What this installation sets itself: settings, limits and holidays from the file of HEZHA_POLICY_FILE."""

from __future__ import annotations

from pathlib import Path

from server.settings import Settings, SettingsError
from server.workflow.inforce import InForce, with_own
from server.workflow.policy import Policies, PolicyError
from server.workflow.workdays import CalendarError


def rules_in_force(settings: Settings, policies: Policies) -> InForce:
    """The defaults with the installation's own file over them, if one is named. Raises SettingsError."""
    if not settings.policy_file:
        return InForce(policies)
    try:
        return with_own(policies, Path(settings.policy_file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, PolicyError, CalendarError) as error:
        raise SettingsError(f"HEZHA_POLICY_FILE={settings.policy_file!r}: {error}") from error
