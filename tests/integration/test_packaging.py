"""What users install: files in their places, manual pages and completion that tell the programs' own options, the Debian package."""
import os
import re
import shutil
import subprocess

import pytest

from up import BUILD, ROOT

PROGRAMS = ("leat", "leat-gateway", "leat-queue", "leat-worker")
COMMANDS = re.search(r'_leat_words\["leat"\]="(.*)"', subprocess.run([BUILD / "leat", "--help=bash"], capture_output=True, text=True).stdout)[1].split()
PAGES = {"leat.1": ["leat"], **{f"leat-{c}.1": ["leat", c] for c in COMMANDS}, **{f"{p}.8": [p] for p in PROGRAMS[1:]}}
VERSION = re.search(r'LEAT_VERSION "(.*)"', (ROOT / "common/version.h").read_text())[1]


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*command, **keywords):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, **keywords)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def make(*arguments):
    environment = {n: v for n, v in os.environ.items() if n not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR", "PREFIX", "UNITS")}
    return run("make", "-s", f"BUILD={BUILD}", *arguments, cwd=ROOT, env=environment)


def files_below(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if not f.is_dir())


def flags_of(program):
    """Name, whether it is a switch, and default of each option that --help lists, without those that every program has."""
    shown = run(BUILD / program[0], *program[1:], "--help")
    rows = re.findall(r"^  --(\[no-\])?([a-z-]+)(?: \S+(?: \.\.\.)?)?\s+(?:.*?)(?:\((?:default (.*?); )?LEAT_[A-Z_]+\))?$", shown, re.M)
    found = [(name, bool(switch), default) for switch, name, default in rows if name not in ("config", "help", "version")]
    assert len(found) == len(re.findall(r"LEAT_[A-Z_]+\)$", shown, re.M)) - 1, shown
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    make("install", "PREFIX=/opt/leat", f"DESTDIR={root}")
    return root


# -- make install -------------------------------------------------------------------------------------------------------
def test_everything_is_in_its_place(installed):
    here = installed / "opt/leat"
    assert [run(here / "bin" / p, "--version") for p in PROGRAMS] == [f"{p} {VERSION}\n" for p in PROGRAMS]
    assert {f.name for f in (here / "share/man").rglob("*.[18]")} == set(PAGES)
    units = {f.name: f.read_text() for f in (here / "lib/systemd/system").iterdir()}
    assert set(units) == {"leat.service", "leat-queue.service", "leat-gateway.service", "leat-worker@.service"}
    for text in units.values():
        program, = re.findall(r"^ExecStart=(/opt/leat/bin/\S+)", text, re.M)
        assert os.access(str(installed) + program, os.X_OK)
    assert {"LICENSE", "README.md", "examples/post.sh"} <= set(files_below(here / "share/doc/leat"))
    assert os.listdir(installed) == ["opt"]


def test_uninstall_leaves_nothing(tmp_path):
    make("install", f"PREFIX={tmp_path}/usr")
    (tmp_path / "usr/bin/other").write_text("not ours")
    make("uninstall", f"PREFIX={tmp_path}/usr")
    assert files_below(tmp_path) == ["usr/bin/other"]
    assert not (tmp_path / "usr/share/doc/leat").exists()


# -- Manual pages -------------------------------------------------------------------------------------------------------
@needs("man")
@pytest.mark.parametrize("page", PAGES)
def test_page_is_clean_and_complete(installed, page):
    program, file = PAGES[page], installed / "opt/leat/share/man" / f"man{page[-1]}" / page
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "400", "MANROFFOPT": ""}
    shown = subprocess.run(["man", "--warnings", "-l", file], capture_output=True, text=True, env=environment, timeout=60)
    assert shown.returncode == 0 and not shown.stderr, shown.stderr
    sections = re.findall(r"^([A-Z][A-Z ]+)$", shown.stdout, re.M)
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"]
    assert [s for s in sections if s in wanted] == wanted
    if page == "leat.1":
        assert all(f"leat-{command}(1)" in shown.stdout for command in COMMANDS)
        return
    assert sections.index("DESCRIPTION") < sections.index("OPTIONS") < sections.index("FILES") < sections.index("EXIT STATUS")
    paragraphs = re.findall(r"^ {7}--([a-z-]+)[ ,\n](.*?)(?=^ {7}-|^[A-Z])", shown.stdout, re.M | re.S)
    told = {name: text for name, text in paragraphs if name not in ("config", "help", "version")}
    flags = flags_of(program)
    assert list(told) == [name for name, *_ in flags]
    for name, switch, default in flags:
        assert "LEAT_" + name.upper().replace("-", "_") in told[name]
        assert not default or switch or f"Default: {default}." in told[name]


@needs("mandoc")
def test_pages_pass_a_second_reader(installed):
    run("mandoc", "-T", "lint", "-W", "warning", *(installed / "opt/leat/share/man").rglob("*.[18]"))


# -- Completion ---------------------------------------------------------------------------------------------------------
def complete(installed, *words, cwd=None):
    """What bash would offer for the last of the words."""
    script = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _leat; printf '%s\\n' "${COMPREPLY[@]}" """
    done = subprocess.run(["bash", "-euc", script, "bash", installed / "opt/leat/share/bash-completion/completions/leat", *words], cwd=cwd,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return sorted(done.stdout.split())


def test_completion_knows_commands_and_verbs(installed):
    assert complete(installed, "leat", "") == sorted(COMMANDS)
    assert {"post", "probe"} <= set(complete(installed, "leat", "p"))
    assert complete(installed, "/usr/bin/leat", "--v") == ["--version"]
    verbs = complete(installed, "leat", "queue", "")
    assert len(verbs) == 15 and {"create", "ls", "attrs", "send", "receive", "pause", "resume", "redrive", "rm", "top"} <= set(verbs)
    assert complete(installed, "leat", "queue", "re") == ["receive", "redrive", "resume"]
    assert complete(installed, "leat", "table", "d") == ["describe", "drop"]
    assert complete(installed, "leat", "up", "") == []
    assert complete(installed, "leat", "fly", "") == []


@pytest.mark.parametrize("page", [p for p in PAGES if p != "leat.1"])
def test_completion_knows_every_flag(installed, page):
    told = set(complete(installed, *PAGES[page], "--")) - {"--config", "--help", "--version"}
    assert told == {f"--{name}" for name, *_ in flags_of(PAGES[page])} | {f"--no-{name}" for name, switch, _ in flags_of(PAGES[page]) if switch}


def test_completion_knows_what_a_flag_wants(installed, tmp_path):
    (tmp_path / "jobs.ndjson").touch()
    (tmp_path / "journal").mkdir()
    assert complete(installed, "leat-queue", "--log-format", "") == ["json", "text"]
    assert complete(installed, "leat-queue", "--log-format", "=", "j") == ["json"]
    assert complete(installed, "leat-queue", "--log-level", "=") == ["debug", "error", "info", "warn"]
    assert complete(installed, "leat", "up", "--data", "jo", cwd=tmp_path) == ["journal"]
    assert complete(installed, "leat", "post", "jo", cwd=tmp_path) == ["jobs.ndjson", "journal"]
    assert complete(installed, "leat", "post", "--quiet", "jobs", cwd=tmp_path) == ["jobs.ndjson"]
    assert complete(installed, "leat", "restore", "jo", cwd=tmp_path) == ["journal"]
    assert complete(installed, "leat", "up", "--workers", "") == []
    assert complete(installed, "leat", "queue", "peek", "--state", "d") == ["dead", "delayed"]


def test_bash_offers_it_by_itself(installed):
    told = run("bash", "-c", "source $0; complete -p leat leat-gateway leat-queue leat-worker",
               installed / "opt/leat/share/bash-completion/completions/leat-queue")
    assert told.count("-F _leat") == 4


# -- Units and package --------------------------------------------------------------------------------------------------
@needs("systemd-analyze")
def test_units_are_right(installed, tmp_path):
    for unit in (installed / "opt/leat/lib/systemd/system").iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/leat/bin/", f"{installed}/opt/leat/bin/"))
    told = run("systemd-analyze", "verify", "--man=no", *tmp_path.iterdir())
    assert not told, told


@needs("dpkg-buildpackage", "dh", "lintian")
def test_debian_package(tmp_path):
    package = make("deb").strip()
    assert run("dpkg-deb", "-f", package, "Version").strip() == VERSION
    complaints = run("lintian", "--info", "--fail-on", "error,warning", package)
    assert not re.findall("^[EWI]: .*", complaints, re.M), complaints
    run("dpkg-deb", "-x", package, tmp_path)
    assert {f"usr/bin/{p}" for p in PROGRAMS} < set(files_below(tmp_path))
    assert {f"usr/share/man/man{p[-1]}/{p}.gz" for p in PAGES} < set(files_below(tmp_path))
    for unit in (tmp_path / "lib/systemd/system").iterdir():
        assert "ExecStart=/usr/bin/leat" in unit.read_text()
    assert [run(tmp_path / "usr/bin" / p, "--version") for p in PROGRAMS] == [f"{p} {VERSION}\n" for p in PROGRAMS]
