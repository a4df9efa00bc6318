"""How hosts become a Swarm, change in it and leave it: what `swarm_node.py` is made of."""
