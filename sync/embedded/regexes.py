"""`$regex` of selectors, run where a pattern can do no harm.

CouchDB runs PCRE, which gives up after so many steps. Python's `re` has no such bound, and a client's pattern
would hold the process for as long as it likes; so patterns run in the JavaScript sandbox, which stops them.
What PCRE writes otherwise is translated where JavaScript has the same: `(?i)` in front, `(?P<name>`, anchors
by letters, escaped punctuation. What JavaScript does not have (possessive quantifiers, atomic groups,
recursion, POSIX classes) is refused rather than read as something else. Characters are Unicode's, not bytes.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache

from jsengine import JSFault, JSThrown, Limits, Sandbox
from sync.store import StoreError

_SCRIPT = """
const known = new Map();
function compiled(pattern, flags) {
  const key = flags + "/" + pattern;
  let regex = known.get(key);
  if (regex === undefined) {
    regex = new RegExp(pattern, flags);
    if (known.size >= 64) known.clear();
    known.set(key, regex);
  }
  return regex;
}
function check(pattern, flags) { compiled(pattern, flags); return true; }
function search(pattern, flags, text) { return compiled(pattern, flags).test(text); }
"""
_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
#: Punctuation that JavaScript lets one escape in a Unicode pattern.
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_WHERE = {"A": "(?<![^])", "z": "(?![^])", "Z": r"(?=\n?(?![^]))"}


class RegexFault(StoreError):
    """A pattern did not come to an end within its bounds, so nothing is said about its matches."""

    status = 500
    error = "regex_error"


class SandboxedRegexes:
    """`sync.selector.Regexes`. Safe for use from many threads; a sandbox is made when one is needed."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        self._limits = limits or Limits(seconds=0.5, memory_bytes=16 * 1024 * 1024)
        self._lock = threading.Lock()
        self._made: Sandbox | None = None

    def check(self, pattern: str) -> None:
        """Raises ValueError if `pattern` cannot be run."""
        body, flags = translated(pattern)
        try:
            self._sandbox().call("check", body, flags)
        except JSFault as fault:
            raise ValueError(str(fault)) from fault

    def search(self, pattern: str, text: str) -> bool:
        """Raises RegexFault when the pattern does not end."""
        body, flags = translated(pattern)
        try:
            return bool(self._sandbox().call("search", body, flags, text))
        except JSThrown as thrown:
            raise RegexFault(f"$regex failed: {thrown}") from thrown
        except JSFault as fault:
            raise RegexFault(f"$regex exceeded its limits: {pattern}") from fault

    def _sandbox(self) -> Sandbox:
        with self._lock:
            if self._made is None:
                self._made = Sandbox(_SCRIPT, limits=self._limits)
            return self._made


@lru_cache(maxsize=256)
def translated(pattern: str) -> tuple[str, str]:
    """A PCRE pattern as JavaScript's pattern and flags. Raises ValueError for flags it does not have."""
    flags = "u"
    leading = _FLAGS.match(pattern)
    if leading is not None:
        if set(leading[1]) - set("ims"):
            raise ValueError(f"flags {leading[1]}")
        flags += "".join(sorted(set(leading[1])))
        pattern = pattern[leading.end() :]
    multiline = "m" in flags
    out, at, in_class = [], 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and at + 1 < len(pattern):
            out.append(_escaped(pattern[at + 1], in_class=in_class))
            at += 2
            continue
        if not in_class and pattern.startswith("(?P<", at):
            out.append("(?<")
            at += 4
            continue
        if char == "$" and not in_class and not multiline:
            out.append(_WHERE["Z"])  # also before a last newline
        else:
            out.append(char)
        in_class = char == "[" or (in_class and char != "]")
        at += 1
    return "".join(out), flags


def _escaped(char: str, *, in_class: bool) -> str:
    if char in _WHERE and not in_class:
        return _WHERE[char]
    if char.isascii() and not char.isalnum() and char not in _SYNTAX:
        return f"\\x{ord(char):02x}"
    return "\\" + char
