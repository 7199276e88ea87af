import signal

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("project")

# Shells start background jobs with interrupts ignored, and children inherit that; the tests of
# interrupts need them to arrive.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with the notebook, by far the longest: at the end one process would wait for it."""
    items.sort(key=lambda item: "notebooks" not in item.path.parts)
