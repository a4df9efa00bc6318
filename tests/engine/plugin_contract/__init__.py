"""Helpers of the plugin contract test: stacks made of plain functions, and the services in them."""
