"""One image and one running stack for all tests of this folder; skipped, and said so loudly, where no Docker engine answers."""
import os
import signal

import pytest

import stack

REASON = stack.why_not()
NAME = f"leat-test-{os.getpid()}"
facts = []
signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is removed then, too


def pytest_collection_modifyitems(items):
    if REASON:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=REASON))


def pytest_terminal_summary(terminalreporter):
    if REASON:
        terminalreporter.write_line(f"NOT RUN: the tests of the containers (tests/compose), because {REASON}", yellow=True, bold=True)
    for fact in facts:
        terminalreporter.write_line(fact)


@pytest.fixture
def note():
    """Notes a measured fact for the end of the output."""
    return facts.append


@pytest.fixture(scope="session")
def image():
    made = stack.Image(NAME)
    try:
        made.build()
        yield made
    finally:
        if not os.environ.get("LEAT_KEEP_IMAGES"):
            made.remove()


@pytest.fixture(scope="session")
def compose(image):
    made = stack.Compose(NAME, image)
    try:
        yield made
    finally:
        made.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last lines of each container."""
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("compose")
    if report.when == "call" and report.failed and made:
        report.sections.append(("containers", made.logs()))
