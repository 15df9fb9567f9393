"""`python -m app …`: the commands."""

import gc

from app.cli import main

if __name__ == "__main__":
    # Modules stay: walking through them again and again would stop every thread for a tenth of a second.
    main.when_loaded = gc.freeze
    main()
