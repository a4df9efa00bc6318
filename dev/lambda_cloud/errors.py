"""Refusals as the API words them."""


class ApiError(Exception):
    """A refusal: HTTP status, code, message and suggestion."""

    def __init__(self, status: int, code: str, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.suggestion = suggestion

    def body(self) -> dict[str, dict[str, str]]:
        """The JSON document of the refusal."""
        error = {"code": self.code, "message": self.message}
        return {"error": error if self.suggestion is None else {**error, "suggestion": self.suggestion}}


def missing(what: str) -> ApiError:
    """Nothing has this id or name."""
    return ApiError(404, "global/object-does-not-exist", f"Specified {what} does not exist.", "Check the identifier.")


def invalid(message: str) -> ApiError:
    """A parameter makes no sense."""
    return ApiError(400, "global/invalid-parameters", message)


def no_capacity() -> ApiError:
    """The type can't be had in the region."""
    return ApiError(
        400,
        "instance-operations/launch/insufficient-capacity",
        "Not enough capacity to fulfill launch request.",
        "Choose an instance type with more availability, or try again later.",
    )


def quota() -> ApiError:
    """The account may not have more."""
    return ApiError(400, "global/quota-exceeded", "Quota exceeded.", "Contact Support to increase your quota.")


def unauthorized() -> ApiError:
    """The key is wrong."""
    return ApiError(
        401,
        "global/invalid-api-key",
        "API key was invalid, expired, or deleted.",
        "Check your API key or create a new one, then try again.",
    )
