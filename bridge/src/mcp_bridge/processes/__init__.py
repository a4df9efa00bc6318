"""The server's processes: which of them serves whom, and how each starts, is watched, is replaced and ends."""

from .interface import Processes, Status

__all__ = ["Processes", "Status"]
