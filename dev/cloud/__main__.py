"""`make prod-sim`: production on this machine; docs/simulated-production.md says what stands for what."""

import signal
import sys

from dev import lifecycle
from dev.cloud.cloud import cloud
from dev.cloud.lambda_labs import lambda_labs
from dev.cloud.show import Show
from dev.errors import EngineError
from dev.progress import Steps


def main() -> int:
    """Run the show. Ctrl-C ends it, and leaves nothing."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        lifecycle.engine_up()
        with Steps() as steps, cloud(lambda what: steps.say(f"    {what}")) as place, lambda_labs(place) as elsewhere:
            show = Show(place, elsewhere, steps)
            show.run()
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped, and removed", file=sys.stderr)
        return 130
    print("\n".join(f"| {figure} | {value} |" for figure, value in show.figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
