"""Every resource type of the stand-in by its token."""

from collections.abc import Mapping
from typing import Final

from dev.plugins.aws import (
    bucket,
    budget,
    encryption,
    identity,
    images,
    instance,
    load_balancer,
    names,
    network,
    security_groups,
)
from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import AwsResource, ResourceType
from dev.plugins.resource import Resource

TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:acm/certificate:Certificate": names.CERTIFICATE,
    "aws:acm/certificateValidation:CertificateValidation": names.CERTIFICATE_VALIDATION,
    "aws:budgets/budget:Budget": budget.BUDGET,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": security_groups.DEFAULT_SECURITY_GROUP,
    "aws:ec2/instance:Instance": instance.INSTANCE,
    "aws:ec2/internetGateway:InternetGateway": network.INTERNET_GATEWAY,
    "aws:ec2/routeTable:RouteTable": network.ROUTE_TABLE,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": network.ROUTE_TABLE_ASSOCIATION,
    "aws:ec2/securityGroup:SecurityGroup": security_groups.SECURITY_GROUP,
    "aws:ec2/subnet:Subnet": network.SUBNET,
    "aws:ec2/vpc:Vpc": network.VPC,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": images.LIFECYCLE_POLICY,
    "aws:ecr/repository:Repository": images.REPOSITORY,
    "aws:iam/instanceProfile:InstanceProfile": identity.INSTANCE_PROFILE,
    "aws:iam/role:Role": identity.ROLE,
    "aws:iam/rolePolicy:RolePolicy": identity.ROLE_POLICY,
    "aws:kms/key:Key": encryption.KEY,
    "aws:lb/listener:Listener": load_balancer.LISTENER,
    "aws:lb/loadBalancer:LoadBalancer": load_balancer.LOAD_BALANCER,
    "aws:lb/targetGroup:TargetGroup": load_balancer.TARGET_GROUP,
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": load_balancer.TARGET_GROUP_ATTACHMENT,
    "aws:route53/record:Record": names.RECORD,
    "aws:s3/bucket:Bucket": bucket.BUCKET,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket.LIFECYCLE,
    "aws:s3/bucketPolicy:BucketPolicy": bucket.POLICY,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket.PUBLIC_ACCESS_BLOCK,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucket.ENCRYPTION,
    "aws:s3/bucketVersioning:BucketVersioning": bucket.VERSIONING,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": security_groups.EGRESS_RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": security_groups.INGRESS_RULE,
}


def resources(account: Account) -> Mapping[str, Resource]:
    """The operations of each type in `account`."""
    return {token: AwsResource(token, kind, account) for token, kind in TYPES.items()}
