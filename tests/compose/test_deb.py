"""The Debian package, installed where its libraries are and nothing else of leat: it runs as its own user, and leaves the data when it goes."""
import os
import pathlib
import shutil

import pytest
import stack

BUILD = pathlib.Path(os.environ.get("LEAT_BUILD", stack.ROOT / "build"))
SCRIPT = """
set -eu
rm /usr/local/bin/leat*
userdel leat
dpkg -i /packages/leat_*.deb
id leat
install -d -o leat -g leat -m 700 /var/lib/leat
start() { su -s /bin/sh leat -c 'exec leat up --data /var/lib/leat --listen 127.0.0.1:8080' & }
stop() { kill -TERM $(pidof -s leat); wait; }
ready() { for n in $(seq 200); do leat probe http://127.0.0.1:8080/readyz 2>/dev/null && return; sleep 0.1; done; exit 1; }
start
ready
test "$(stat -c %u /proc/$(pidof -s leat-queue))" = "$(id -u leat)"
echo '{"operation":"create","tableName":"name","payload":{"Item":{"id":"deb"}}}' | leat post --wait 10 -
leat status --data /var/lib/leat
stop
dpkg -i /packages/leat_*.deb
start
ready
echo '{"operation":"read","tableName":"name","payload":{"Key":{"id":"deb"}}}' | leat post --wait 10 -
stop
dpkg --purge leat
test -d /var/lib/leat/journal
if command -v leat; then exit 1; fi
id leat
echo all well
"""


@pytest.fixture(scope="session")
def package():
    """The one that test_packaging.py has built just now, or a new one."""
    missing = [tool for tool in ("dpkg-buildpackage", "dh") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    program = BUILD / "leat"
    made = [p for p in BUILD.glob("leat_*.deb") if program.exists() and p.stat().st_mtime > program.stat().st_mtime]
    if not made:
        made = [pathlib.Path(stack.run(stack.ROOT / "packaging/deb", BUILD, seconds=300).split()[-1])]
    return made[0]


def test_package_installs_runs_and_goes(image, package, tmp_path):
    shutil.copy(package, tmp_path)
    output = stack.run("docker", "run", "--rm", "--init", "--network=none", "--user=0", f"--volume={tmp_path}:/packages:ro", "--entrypoint=sh",
                       image.name, "-c", SCRIPT, seconds=120)
    assert output.endswith("all well\n"), output
    assert output.count("1 jobs") + output.count("posted 1 job") >= 2, output
    assert "/var/lib/leat was kept" in output
