"""gunicorn as Hezha runs it.

`server.py` starts it, `worker.py` serves with threads, `answer.py` is one answer under way, which may be set
aside, and `patience.py` says how long a slow client is waited for.
"""
