"""A case's site, looked at before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.casework.sites import site_findings
from server.problems import Problem, language
from server.texts import text


def check_site(site: Mapping[str, Any]) -> None:
    """Raises Problem 422 `site_refused`, with each place and its remedy, for a site that cannot be used."""
    errors = [
        {
            "pointer": "#/site" + finding.place.replace("/coordinates", ""),
            "code": finding.code,
            "message": text(finding.code, language(), **finding.params),
        }
        for finding in site_findings(site)
    ]
    if errors:
        raise Problem(422, "site_refused", extra={"errors": errors})
