"""Figures of the dev stack, printed as the table of docs/performance.md."""
