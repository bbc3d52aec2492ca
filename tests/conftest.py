"""What all tests rest on."""

import signal

# A shell starts jobs in its background with Ctrl-C ignored, and every process below inherits that: the tests that
# interrupt a command would wait for one that never hears of it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
