"""Stand-in for pulumi-resource-random 4.21: RandomPassword and RandomString."""
