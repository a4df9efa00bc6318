"""Envoy: what it is told (`listener`, `filters`, `routes`, `clusters`), how it is told (`files`, `applier`, `admin`,
`validation`), and its process (`process`).

Everything that changes lives in files that Envoy watches; the listener is written once, since changing it would close
every connection. API reference: https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/api
"""
