"""``chainrep`` and ``python -m chainrep``."""

from chainrep.cli.app import main

if __name__ == "__main__":
    main()
