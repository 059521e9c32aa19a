"""Definitions of checklists as requests bring them: JSON, or YAML as their authors write it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from flask import request

from checklists.loader import DefinitionError, parse_definition
from checklists.model import Definition
from server.api.parsing import faults
from server.problems import Problem

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")

#: What the routes that take a definition say of their body.
DEFINITION_BODY: dict[str, Any] = {
    "required": True,
    "description": "A definition, whole: /api/v1/checklists/{id}/versions/{version} shows its shape.",
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/yaml": {"schema": {"type": "string"}},
    },
}
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")


def sent_definition() -> Definition:
    """The definition in the request's body. Raises Problem: 400 broken_json, 415, 422 invalid_fields or
    definition_unreadable."""
    if request.mimetype == "application/json":
        definition = _from_json(request.get_data())
    elif request.mimetype in YAML_TYPES:
        definition = _from_yaml(request.get_data())
    else:
        raise Problem(415, "unsupported_media_type")
    fault = next(faults(msgspec.to_builtins(definition)), None)
    if fault is not None:
        path, message = fault
        raise _invalid("/".join(["#", *path]), message)
    return definition


def _from_json(body: bytes) -> Definition:
    try:
        sent = msgspec.json.decode(body)
        if isinstance(sent, dict):
            sent.pop("digest", None)  # as a version is shown; it says nothing of what was changed since
        return msgspec.convert(sent, Definition)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        steps = [name or number for name, number in _STEP.findall(where)]
        raise _invalid("/".join(["#", *steps]), message) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Problem(400, "broken_json") from None


def _from_yaml(body: bytes) -> Definition:
    try:
        definition, _ = parse_definition(body, "definition.yaml")
    except DefinitionError as error:
        raise Problem(422, "definition_unreadable", reason=str(error)) from None
    return definition


def _invalid(pointer: str, message: str) -> Problem:
    return Problem(422, "invalid_fields", extra={"errors": [{"pointer": pointer, "message": message}]})
