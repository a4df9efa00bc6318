"""A stand-in of OSV's API, strict after its published description: https://google.github.io/osv.dev/api/."""
