"""`python -m fleet`, which `bin/fleet` runs."""

from fleet.app import app

app(prog_name="fleet")
