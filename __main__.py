"""`python -m taskwright` is the same as `taskwright`."""

from .cli.main import main

if __name__ == "__main__":
    main()
