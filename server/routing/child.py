"""The process that finds a route: `python -m server.routing.child MEMORY_BYTES`.

An order comes by standard input, the route goes out by standard output, both as JSON. The kernel bounds its
memory, so an order that is too large ends this process and no other.
"""

from __future__ import annotations

import os
import resource
import sys

import msgspec

from server.routing.model import Order


def main() -> int:
    """Find the route; the process's exit code."""
    memory_bytes = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whatever a library prints must not get between.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from server.routing.solving import find_route  # noqa: PLC0415  within the bounds

    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    with sink:
        sink.write(msgspec.json.encode(find_route(order)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
