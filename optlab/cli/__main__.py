"""`python -m optlab.cli` is `optlab`."""

from optlab.cli import main

main()
