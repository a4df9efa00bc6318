"""A cloud on one machine: accounts as moto keeps them, whose instances are machines that one can log in to.

A machine is a network, mount, process and host-name namespace with an sshd and a Docker of its own. Images, load
balancers and addresses are as real as they can be had here; `docs/simulated-production.md` says what each stands for.
"""
