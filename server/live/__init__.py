"""What happens now, for those who look at it: a bounded backlog of events, and bells for whoever waits.

The backlog is this server's alone and can be deleted: whoever resumes behind it is told to read anew.
"""
