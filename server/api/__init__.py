"""The HTTP API: one blueprint a resource. No business rule lives here."""

from __future__ import annotations

from flask_smorest import Blueprint


def blueprints() -> list[Blueprint]:
    """Every blueprint, in the order of the API page."""
    from server.api import (  # noqa: PLC0415  each module registers its routes when it is read
        absences,
        aftercare,
        anomalies,
        approvals,
        auth,
        bulletins,
        case_file,
        cases,
        checklist_drafts,
        checklist_forms,
        checklist_limits,
        checklist_papers,
        checklists,
        clocks,
        devices,
        duties,
        energization,
        events,
        gates,
        handover,
        imports,
        inspections,
        links,
        lookalikes,
        me,
        meetings,
        metering,
        notices,
        papers,
        photos,
        places,
        processes,
        public_cases,
        quarantine,
        rectification,
        switching,
        syncing,
        tasks,
        users,
        webhooks,
    )

    modules = (
        *(
            auth,
            me,
            users,
            devices,
            checklists,
            checklist_drafts,
            checklist_forms,
            checklist_limits,
            checklist_papers,
            cases,
            tasks,
            inspections,
            photos,
            lookalikes,
            places,
            meetings,
            handover,
            approvals,
            absences,
            aftercare,
            duties,
            metering,
            notices,
            papers,
            rectification,
        ),
        *(events, webhooks, links, public_cases, imports, bulletins),
        *(processes, clocks, anomalies, quarantine, gates, energization, switching, case_file, syncing),
    )
    return [module.blp for module in modules]
