"""Whether this container is ready: what Docker asks. Ends with status 0 if it is; needs the standard library only."""

import os
import sys
import urllib.request

ASK_SECONDS = 5


def main() -> int:
    """Ask our own ``/health/ready``."""
    url = f"http://127.0.0.1:{os.environ.get('HTTP_PORT', '8000')}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=ASK_SECONDS):
            return 0
    except OSError:  # no answer in time, or an answer that says no
        return 1


if __name__ == "__main__":
    sys.exit(main())
