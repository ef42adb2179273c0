#!/usr/bin/env python3
"""run_if_installed.py PROGRAM …: runs it where PostgreSQL's server is installed, says why not elsewhere."""
import os
import sys

import postgres_nodes

postgres_nodes.skip_or_fail()
os.execv(sys.argv[1], sys.argv[1:])
