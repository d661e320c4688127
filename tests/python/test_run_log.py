"""`eros runs` and `eros runs show`."""

import itertools
import shlex
from datetime import datetime, timezone
import shlex
