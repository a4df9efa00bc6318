"""Stand-in for pulumi-resource-aws 7.51: the resource types of components/hosts/aws, in an account of a moto server.

One table (`tables.TYPES`) says for each type which inputs it takes, and which requests of boto3 make, tell, change and
remove it. Inputs that the table doesn't name are refused, and so are changes in place that it has no request for.
Outputs that it does not name are missing. It never speaks to AWS itself: it must be given a moto server's endpoints.
"""
