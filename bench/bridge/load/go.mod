module mcp-fleet/bench/load

go 1.24
