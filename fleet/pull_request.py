"""Keeps one comment of ours in a pull request on GitHub, edited in place.

Source: https://docs.github.com/en/rest/issues/comments, version 2022-11-28 of the API.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from fleet.errors import FleetError

API = "https://api.github.com"
VERSION = "2022-11-28"
AUTHOR = "github-actions[bot]"
"""Whose comments a workflow's own token writes: nobody else's is edited, whatever it begins with."""
SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request, and a token that may write comments in it. The token is never printed by repr.

    Attributes:
        repository: OWNER/NAME.
        api: the address of GitHub's API.
    """

    repository: str
    number: int
    token: str = field(repr=False)
    api: str = API

    @property
    def comments(self) -> str:
        """Where its comments are."""
        return f"{self.api}/repos/{self.repository}/issues/{self.number}/comments"


def keep_comment(request: PullRequest, marker: str, text: str) -> str:
    """Write the comment that begins with `marker`: edit the one there is, else add one. Returns its address.

    Raises:
        FleetError: GitHub does not answer or refuses; with its own words.
    """
    headers = {
        "Authorization": f"Bearer {request.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
    }
    try:
        with httpx2.Client(headers=headers, timeout=SECONDS, follow_redirects=False) as client:
            found = next((item for item in _ours(client, request) if item["body"].startswith(marker)), None)
            if found is None:
                answer = client.post(request.comments, json={"body": text})
            else:
                at = f"{request.api}/repos/{request.repository}/issues/comments/{found['id']}"
                answer = client.patch(at, json={"body": text})
            return str(_checked(answer).json()["html_url"])
    except httpx2.HTTPError as error:
        raise FleetError(f"{request.comments}: {error or type(error).__name__}", hint="try again later") from error


def _ours(client: httpx2.Client, request: PullRequest) -> Iterator[Mapping[str, Any]]:
    page: str | None = f"{request.comments}?per_page=100"
    while page:
        answer = _checked(client.get(page))
        yield from (item for item in answer.json() if (item["user"] or {}).get("login") == AUTHOR)
        page = answer.links.get("next", {}).get("url")


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_success:
        return answer
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    advice = "the job needs `permissions: pull-requests: write`; a fork's has none, on purpose"
    raise FleetError(f"{answer.request.url} answered {answer.status_code}: {said}", hint=advice)
