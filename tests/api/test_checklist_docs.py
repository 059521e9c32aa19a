"""docs/checklist-versions.md names every address of drafts, versions and limits, with the verbs it takes."""

from __future__ import annotations

import re
from pathlib import Path

from tests.desk import Desk

PAGE = Path(__file__).parents[2] / "docs" / "checklist-versions.md"
METHODS = {"get", "post", "put", "delete"}


def shape(path: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"{\w+}", "{}", path)


def told() -> set[tuple[str, str]]:
    """Every (verb, path) of the page's tables."""
    rows = re.findall(r"^\| (`/.*?) \| ([A-Z, ]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {
        (verb.lower(), shape(path))
        for paths, verbs in rows
        for path in re.findall(r"`([^`]+)`", paths)
        for verb in verbs.split(", ")
    }


def test_the_page_and_the_api_name_the_same_addresses(house: Desk) -> None:
    document = house.client.get("/api/openapi.json").get_json()
    offered = {
        (method, shape(path.removeprefix("/api/v1")))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS and {"checklist_drafts", "checklist_limits"} & set(operation.get("tags", ()))
    }
    moving = {("post", "/cases/{}/tasks/{}/checklist")}
    assert told() == offered | moving
