"""Pulumi dynamic providers, for what no published provider covers.

Pulumi stores each as a reference to its class in the state of every resource made with it, and imports that class again
to refresh or delete them: **a provider's module and class name never change**, like a type token. A provider keeps no
values of its own, so that the reference holds no secret either.
"""
