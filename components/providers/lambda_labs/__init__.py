"""Lambda Labs' machines as Pulumi resources, over the REST API of Lambda Cloud.

`client` makes requests, `api` knows the operations, `launch` has exactly one machine; `instance`, `claim`, `ssh_key`,
`firewall` and `file_system` are the resources. `settings` says what stack config they read: `lambda-labs:api-key`.
"""
