"""The fleet's gateway: Envoy, and the agent that configures it from policy and Consul.

`policy` says who may call what; `catalog` and `verification` say where each server's replicas are; `envoy` turns both
into Envoy's dynamic files and owns its process; `agent` joins them. `policy_server` is the small service that holds
the policy, so that a change of policy never restarts the gateway.
"""
