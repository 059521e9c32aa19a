"""Outage balancing: a month's works placed so that customers are interrupted least, with proof and reasons.

Pure: values in, values out; no storage, no web, no clock of its own. docs/outages.md tells the model.
"""
