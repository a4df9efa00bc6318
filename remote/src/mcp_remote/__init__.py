"""A remote MCP server (streamable HTTP) as a stdio one: what the bridge runs in place of a package.

Standard input and output speak JSON-RPC, the network side is the official SDK's transport. Credentials are the fleet's
own: nothing that a caller sends can change them.
"""
