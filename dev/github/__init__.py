"""GitHub's API of comments where GitHub can't be had: a strict server after its published description.

Source: https://docs.github.com/en/rest/issues/comments, version 2022-11-28.
"""
