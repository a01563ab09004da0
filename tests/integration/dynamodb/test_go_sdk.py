"""AWS's SDK for Go (version 2): it knows no JSON but what its service model says, and checks the checksum of each answer.

The program stands in ../go. It needs Debian's golang-go and golang-github-aws-aws-sdk-go-v2-dev, which `make deps` does not install."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from up import BUILD

SOURCES = "/usr/share/gocode"
PROGRAM = Path(__file__).resolve().parents[1] / "go"


@pytest.fixture(scope="module")
def program():
    if not shutil.which("go") or not os.path.isdir(SOURCES + "/src/github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"):
        pytest.skip("needs the packages golang-go and golang-github-aws-aws-sdk-go-v2-dev")
    folder = BUILD / "go"
    environment = {**os.environ, "GOPATH": SOURCES, "GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(folder.resolve() / "cache")}
    subprocess.run(["go", "build", "-o", folder / "calls", "."], cwd=PROGRAM, env=environment, check=True, timeout=300)
    return folder / "calls"


def test_the_everyday_calls(up, program):
    run = subprocess.run([program, up.url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert run.returncode == 0, run.stdout[-2000:]
    assert run.stdout.count("ok ") > 60
