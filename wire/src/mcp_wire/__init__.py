"""What the bridge, the gateway and the Pulumi program must agree on, and nothing else.

`headers` names what the gateway adds to a request, `token` proves that it was the gateway,
`registration` is how a replica appears in Consul, `consul` speaks Consul's HTTP API,
`result_cache` is what a server's replicas share in Redis.
"""
