"""The proofs of tests/chaos's own instruments: the history checker, and the layer that forgets unsynced writes."""
import importlib.util
import pathlib
import sys

CHAOS = pathlib.Path(__file__).resolve().parents[1] / "chaos"


def collected_from(name):
    """All that pytest would collect from a file of tests/chaos."""
    spec = importlib.util.spec_from_file_location(f"chaos_{name}", CHAOS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {key: value for key, value in vars(module).items() if key.startswith("test_") or key == "world"}


globals().update(collected_from("test_checker"))
globals().update(collected_from("test_lossy"))
