"""Stand-in for pulumi-resource-docker 5.2.0: Service, Secret, ServiceConfig, Network and Volume on the real API.

Behaviour follows the Terraform provider that the real plugin wraps (kreuzwerker/terraform-provider-docker 4.5.0):
same defaults, same replacements, same waiting and the same failures.
"""
