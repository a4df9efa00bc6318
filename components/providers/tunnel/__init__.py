"""A host's end of the WireGuard network, and its peers: what `tunnel_end.py` is made of."""
