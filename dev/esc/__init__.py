"""Stands in for the API of Pulumi ESC, of which tests can't have an account: environments, sessions and revisions.

A strict server after the published description (https://github.com/pulumi/esc-sdk/blob/main/sdk/swagger.yaml): what is
not described there is refused. It evaluates what definitions here use of ESC's language, and refuses the rest.
"""

from .organization import Organization
from .server import Esc

__all__ = ["Esc", "Organization"]
