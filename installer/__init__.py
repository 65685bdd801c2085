"""Sets Inlay up, checks it, and takes it away again. Standard library only, Python 3.10 or later, any system.

`python3 -m installer` installs; `python3 -m installer test` sets up the test environment and runs the suite.
"""
