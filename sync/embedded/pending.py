"""How many documents of a database have changed after a place in its feed, whatever the size of the database.

SQLite counts rows by walking over them. A client that reads a feed page by page asks for the number after
each page; so every count is reckoned from the nearest place that is known, which is one page away.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import apsw

from sync.embedded.records import DatabaseRow


class Pending:
    """Known counts of each database as it is at present. Safe for many threads.

    `databases` and `places` bound what is remembered: the databases asked for last, and in each the places.
    """

    def __init__(self, *, databases: int = 256, places: int = 64) -> None:
        self._most_databases = databases
        self._most_places = places
        self._lock = threading.Lock()
        #: By the database's key: its newest sequence number, and counts by place. Any write begins anew.
        self._known: OrderedDict[int, tuple[int, OrderedDict[int, int]]] = OrderedDict()

    def after(self, conn: apsw.Connection, db: DatabaseRow, seq: int) -> int:
        """Documents whose latest change is after `seq`; `conn` is in the transaction that has read `db`."""
        place, count = self._nearest(db, seq)
        if place != seq:
            low, high = sorted((place, seq))
            between = int(
                conn.execute(
                    "SELECT count(*) FROM docs WHERE db = ? AND seq > ? AND seq <= ?", (db.pk, low, high)
                ).get
            )
            count += between if seq < place else -between
            self._note(db, seq, count)
        return count

    def _nearest(self, db: DatabaseRow, seq: int) -> tuple[int, int]:
        """The nearest place of which the count is known, and the count. At both ends it always is."""
        ends = {0: db.doc_count + db.del_count, db.seq: 0}
        with self._lock:
            newest, counts = self._known.get(db.pk, (0, OrderedDict()))
            known = ends if newest != db.seq else {**counts, **ends}
        place = min(known, key=lambda place: abs(place - seq))
        return place, known[place]

    def _note(self, db: DatabaseRow, seq: int, count: int) -> None:
        with self._lock:
            newest, counts = self._known.get(db.pk, (0, OrderedDict()))
            if newest > db.seq:  # another thread has seen a later state meanwhile
                return
            if newest != db.seq:
                counts = OrderedDict()
            counts[seq] = count
            counts.move_to_end(seq)
            self._known[db.pk] = (db.seq, counts)
            self._known.move_to_end(db.pk)
            while len(counts) > self._most_places:
                counts.popitem(last=False)
            while len(self._known) > self._most_databases:
                self._known.popitem(last=False)
