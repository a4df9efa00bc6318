"""The Pulumi policy pack: what no stack of ours may be, whoever wrote it. `pulumi preview --policy-pack policy`."""
