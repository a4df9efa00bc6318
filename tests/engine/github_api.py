"""A strict stand-in of GitHub's REST API, after its published description: the search for repositories.

Source: https://docs.github.com/en/rest/search/search#search-repositories
"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

HOST: Final = "api.github.com"
TOKEN: Final = f"github_pat_{'canary00' * 3}"
REPOSITORY: Final = "example/mcp-notes"
_DOCS: Final = "https://docs.github.com/rest"


class Search(BaseModel):
    """What is searched for, and how much of it is wanted."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(min_length=1)
    page: int = Field(default=1, ge=1)
    per_page: int = Field(default=30, ge=1, le=100)


async def _search(request: Request) -> JSONResponse:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return JSONResponse({"message": "Bad credentials", "documentation_url": _DOCS, "status": "401"}, 401)
    try:
        asked = Search.model_validate(dict(request.query_params))
    except ValidationError as error:
        return JSONResponse({"message": f"Validation Failed: {error}", "documentation_url": _DOCS}, 422)
    owner, _, name = REPOSITORY.partition("/")
    place = f"https://{HOST}/repos/{REPOSITORY}"
    page = f"https://github.com/{REPOSITORY}"
    by = {
        "login": owner,
        "id": 1,
        "node_id": "U_1",
        "type": "Organization",
        "avatar_url": f"https://avatars.githubusercontent.com/{owner}",
        "url": f"https://{HOST}/users/{owner}",
        "html_url": f"https://github.com/{owner}",
    }
    found = {
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": REPOSITORY,
        "private": False,
        "owner": by,
        "html_url": page,
        "description": "Notes",
        "fork": False,
        "url": place,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "pushed_at": "2026-01-01T00:00:00Z",
        "git_url": f"git://github.com/{REPOSITORY}.git",
        "ssh_url": f"git@github.com:{REPOSITORY}.git",
        "clone_url": f"{page}.git",
        "default_branch": "main",
    }
    matches = [found] if asked.q in REPOSITORY else []
    return JSONResponse({"total_count": len(matches), "incomplete_results": False, "items": matches})


API: Final = Starlette(routes=[Route("/search/repositories", _search, methods=["GET"])])
