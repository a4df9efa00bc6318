"""Independent parts of a long job side by side, where the first failure, or Ctrl-C, ends all of them."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from dev import commands


def run_all(*jobs: Callable[[], None]) -> None:
    """Run `jobs` in a thread each, until all are done or one has failed.

    Raises:
        Exception: Whatever the first job that failed raised; the commands that the others were running are ended.
    """
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:
            commands.end_all()
            raise
