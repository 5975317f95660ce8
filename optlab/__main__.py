"""`python -m optlab`."""

from optlab.cli import main

main()
