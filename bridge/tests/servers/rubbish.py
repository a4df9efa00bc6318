"""Prints what is no JSON-RPC, and then waits for ever."""

import sys

for number in range(20):
    sys.stdout.write(f"Welcome to my server! ({number})\n")
sys.stdout.flush()
sys.stdin.read()
