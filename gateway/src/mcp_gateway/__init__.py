"""Envoy, and the agent that configures it from policy and Consul."""
