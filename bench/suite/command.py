"""How the programs of the benchmarks, of the loss laboratory and of the soak begin and end."""

import signal
import sys

from load import Failed


def run(name, main):
    """Ends with the status that `main` gives, or says what failed; interrupted or told to end, it takes down what was put up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except Failed as error:
        sys.exit(f"{name}: {error}")
