"""Type tokens of the resources that rules speak of."""

DOCKER_SERVICE = "docker:index/service:Service"
DOCKER_CONFIG = "docker:index/serviceConfig:ServiceConfig"
DOCKER_VOLUME = "docker:index/volume:Volume"
DOCKER_IMAGE = "docker-build:index:Image"

LAMBDA_FILE_SYSTEM = "pulumi-python:dynamic/lambda-labs:FileSystem"
LAMBDA_FIREWALL = "pulumi-python:dynamic/lambda-labs:FirewallRuleset"
LAMBDA_INSTANCE = "pulumi-python:dynamic/lambda-labs:Instance"

AWS_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
AWS_BUCKET_ENCRYPTIONS = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
AWS_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
AWS_INSTANCE = "aws:ec2/instance:Instance"
AWS_KEY = "aws:kms/key:Key"
AWS_LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
AWS_PARAMETER = "aws:ssm/parameter:Parameter"
AWS_REPOSITORY = "aws:ecr/repository:Repository"
AWS_SECURITY_GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
AWS_SECURITY_GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
AWS_VOLUME = "aws:ebs/volume:Volume"

STATEFUL = (*AWS_BUCKETS, AWS_KEY, AWS_REPOSITORY, AWS_VOLUME, DOCKER_VOLUME, LAMBDA_FILE_SYSTEM)
"""What is lost with them can't be made again."""
