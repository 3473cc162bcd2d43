"""``python -m shared.runtime <service>`` runs one service until SIGTERM or SIGINT."""

import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning, module="eventlet")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import sys  # noqa: E402

from shared.runtime.launcher import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
