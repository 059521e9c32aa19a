"""What each command does. A handler takes the draft and its command, and refuses or leaves the draft changed.

A handler that tells no event has changed nothing: that is how a repeated command is recognised.
"""
