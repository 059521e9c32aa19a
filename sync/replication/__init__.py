"""CouchDB's replication protocol, as the one who replicates: `replicate(source, target)`."""

from sync.replication.protocol import Failure, Limits, Progress, ReplicationResult, replicate
from sync.replication.replica import Missing, Opened, Replica, Site, Transient

__all__ = [
    "Failure",
    "Limits",
    "Missing",
    "Opened",
    "Progress",
    "Replica",
    "ReplicationResult",
    "Site",
    "Transient",
    "replicate",
]
