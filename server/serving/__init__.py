"""gunicorn as Hezha runs it.

`__main__.py` is the parent process, `server.py` the settings, `worker.py` serves with threads, `answer.py` is
one answer under way, which may be set aside, `response.py` writes it, `patience.py` says how long a slow
client is waited for, and `memory.py` what becomes of memory that a large request took.
"""
