"""CouchDB's replication protocol, as the one who replicates: `replicate(source, target)`."""

from sync.replication.replica import Missing, Opened, Replica, Site, Transient
from sync.replication.replicate import Failure, Limits, Progress, ReplicationResult, replicate

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
