"""Lets the tests of each server of our own import it."""

import sys
from pathlib import Path

sys.path[:0] = sorted(map(str, Path(__file__).parent.glob("*/src")))
