"""`python -m slackapp` is the `slackapp` command."""

import sys

from slackapp.cli import main

if __name__ == "__main__":
    sys.exit(main())
