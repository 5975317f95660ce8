"""The command `optlab`, also as `python -m optlab`."""

import sys

__all__ = ["main"]


def main() -> None:
    try:
        from optlab.cli import main as run
    except KeyboardInterrupt:  # Ctrl-C before there is anything that could be stopped
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
