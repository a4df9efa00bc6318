"""The command line of mcp-fleet: bring a stack up, add servers, call their tools, see how they are."""
