"""pulumi-language-python where the official one can't be had: the SDK's own language server, for a program in a folder.

The engine starts it, reads the port that it prints, and asks it over gRPC to run the program or a policy pack.
Source: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/language.proto
"""
