"""The bridge beside its peers and its floor: `make bench-bridge`."""
