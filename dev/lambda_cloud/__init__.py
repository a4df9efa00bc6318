"""Stand-in for Lambda Cloud's REST API, for tests and simulations: an account in memory behind real HTTP.

Written from Lambda's OpenAPI description 1.10.0 (https://docs-api.lambda.ai/api/cloud). Strict where it can be: it
refuses unknown paths, fields and references, keeps the published limits of requests, lets machines live and die in
their published states, and answers with the published codes. Where the description is silent, `account` says what was
assumed. Faults are made by hand: see `faults`.
"""
