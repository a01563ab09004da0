"""Each part of leat alone, with nothing around it: the programs core, append, codec and apply."""
import shutil
import tempfile

from .loads import program


def note_all(bench, rows):
    for row, figures in rows.items():
        bench.note(row, **figures)


def core(bench):
    note_all(bench, program("core", min(2, bench.seconds)))


def journal(bench):
    folder = tempfile.mkdtemp(dir=bench.folder)
    note_all(bench, program("append", folder, bench.seconds))
    shutil.rmtree(folder)


def codec(bench):
    note_all(bench, program("codec", 1))


def apply(bench):
    folder = tempfile.mkdtemp(dir=bench.folder)
    note_all(bench, program("apply", folder, bench.seconds))
    shutil.rmtree(folder)
