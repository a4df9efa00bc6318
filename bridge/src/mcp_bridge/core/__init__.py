"""The protocol without I/O: plain values in, plain values out, no event loop, no sockets, no processes."""
