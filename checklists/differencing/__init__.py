"""What one version of a checklist changed against another: values, with a sentence each for people."""

from checklists.differencing.compare import Difference, difference

__all__ = ["Difference", "difference"]
