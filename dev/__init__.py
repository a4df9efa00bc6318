"""What lets a machine run the fleet's dev stack: Docker, BuildKit, the Pulumi engine, or what stands in for them."""
