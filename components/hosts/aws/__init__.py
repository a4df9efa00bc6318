"""Hosts on AWS: the network, the machines, and what a fleet needs around them.

`hosts.py` has the whole; each of the other components can be used without it. docs/decisions/0015 says why it is so.
"""
