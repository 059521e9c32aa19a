"""Who works with Hezha, on which devices, and how they prove it.

A person is `user:<name>` and a device `device:<id>` in the registry. Signing in opens a *session* on a
device: a short access token that says who asks, and a refresh token that buys the next one and changes at
every use. Every request reads both documents again, so that a revoked device or a disabled person is refused
at once.
"""
