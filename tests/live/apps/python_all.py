"""All scenarios of the Python programs in one: several of them can follow each other in one process."""

import python_connection  # noqa: F401
import python_errors  # noqa: F401
import python_results  # noqa: F401
import python_session  # noqa: F401
import python_statements  # noqa: F401
import python_transactions  # noqa: F401
from python_driver import main

main()
