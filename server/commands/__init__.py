"""The commands of `hezha`, one module a group."""
