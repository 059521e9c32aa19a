"""The OpenAPI document as it is served: every status of an operation, each problem in its own shape.

flask-smorest writes down what a route declares: what it takes, what it gives when all goes well, and errors
in a shape that is not ours. Here the document learns what all routes share: a problem is
`application/problem+json`, and which ones there may be follows from what an operation asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

#: RFC 9457, with the code that programs go by. Some problems tell more: which fields, which facts.
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:hezha:problem: and the code."},
        "title": {"type": "string", "description": "The status, in the reader's language."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: programs go by it."},
        "detail": {"type": "string", "description": "What is wrong and what to do, for the reader."},
        "params": {"type": "object", "description": "The values that the detail speaks of."},
        "facts": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Which facts would change the answer.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
            "description": "Fields that cannot be read, each by a JSON pointer.",
        },
    },
}
_TYPE = "application/problem+json"
#: What only has to be asked again says when.
_AGAIN = {"429", "503"}
RETRY_AFTER: Mapping[str, Any] = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}
}
_WRITES = {"post", "put", "patch", "delete"}
_METHODS = {"get", *_WRITES}


def announced(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with every problem of every operation written down. The one given is left as it is."""
    components = dict(document.get("components", {}))
    schemas = {name: schema for name, schema in components.get("schemas", {}).items() if name != "Error"}
    components["schemas"] = {**schemas, "Problem": PROBLEM}
    components["responses"] = {
        name: response
        for name, response in components.get("responses", {}).items()
        if "content" not in response
    }
    paths = {
        path: {
            method: _operation(method, path, operation) if method in _METHODS else operation
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths, "components": components}


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    given = {str(status): said for status, said in operation.get("responses", {}).items()}
    problems = {*_problems(method, path, operation), *(status for status in given if status >= "400")}
    kept = {status: said for status, said in given.items() if status < "400"}
    told = {status: _response(status, given.get(status)) for status in sorted(problems - {"default"})}
    return {**operation, "responses": {**kept, **told}}


def _problems(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    """What may go wrong with an operation that asks for this."""
    yield "503"  # the store cannot be read or written just now
    if "public" not in operation.get("x-roles", ()):
        yield from ("401", "403")
    if "{" in path:
        yield "404"
    if operation.get("parameters"):
        yield "422"
    if any(parameter.get("name") == "If-Match" for parameter in operation.get("parameters", ())):
        yield from ("412", "428")
    if "requestBody" in operation:
        yield from ("400", "413", "415", "422")
    if method in _WRITES:
        yield from ("409", "507")
    if "{case_id}" in path and method in _WRITES:
        yield "412"  # a decision that names the revision it rests on
    if "{case_id}" in path and path.endswith(".pdf"):
        yield "409"  # a paper that cannot be printed yet


def _response(status: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    words = (given or {}).get("description") or HTTPStatus(int(status)).phrase
    schema = {"$ref": "#/components/schemas/Problem"}
    response: dict[str, Any] = {"description": words, "content": {_TYPE: {"schema": schema}}}
    return {**response, "headers": RETRY_AFTER} if status in _AGAIN else response
