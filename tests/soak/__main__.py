"""`python -m tests.soak`. The work is in `tests.soak.many`, since new processes do not import this file."""

import sys

from tests.soak.many import main

sys.exit(main())
