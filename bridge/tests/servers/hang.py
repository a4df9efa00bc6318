"""Reads, and never answers. It does not care for TERM, and neither does the child that it leaves behind."""

import os
import signal
import sys

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    signal.pause()
sys.stderr.write("waiting for a licence server\n")
sys.stderr.flush()
for _ in sys.stdin:
    pass
signal.pause()
