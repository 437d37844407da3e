# SPDX-License-Identifier: MIT
"""What is installed works: programs, manual pages, completions, units, and the Debian package of them."""

import gzip
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/package"
STAGES = ["producer", "fetcher", "serializer", "announcer"]
PROGRAMS = ["muster", *(f"muster-{stage}" for stage in STAGES)]
PAGES = ["man1/muster.1", "man5/muster-provider.5", *(f"man8/muster-{stage}.8" for stage in STAGES)]


def run(*words, status=0, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False, **options)
    assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def deb():
    files = list((ROOT / "build").glob("muster_*.deb"))
    assert len(files) == 1, f"make package leaves one file: {files}"
    return files[0]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """`cmake --install` into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, env={**os.environ, "DESTDIR": str(folder)})
    return folder


@pytest.fixture(scope="module")
def clean_env(installed):
    """Nothing of the settings of the one who tests."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return {**env, "PATH": f"{installed}/usr/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"}


# Programs

@pytest.mark.parametrize("program", PROGRAMS)
def test_an_installed_program_tells_of_itself(installed, clean_env, program):
    assert f"({installed}/usr/share/muster/schemas)" in run(program, "--help", env=clean_env)
    assert run(program, "--version", env=clean_env).startswith(f"{program} ")


def test_an_installed_program_finds_its_own_files_wherever_it_is_started(installed, clean_env, tmp_path):
    (tmp_path / "schemas/models").mkdir(parents=True)
    for folder in ("/", tmp_path, ROOT):
        said = run("muster", "check", env=clean_env, cwd=folder)
        assert f"{installed}/usr/share/muster/schemas/providers/qualys.yaml" in said


def test_a_program_that_is_only_built_takes_the_files_of_the_clone(clean_env):
    said = run(BUILD / "bin/muster", "check", env=clean_env, cwd=ROOT)
    assert "(./schemas/providers/qualys.yaml)" in said, said


def test_settings_that_are_there_are_kept(installed):
    file = installed / "etc/muster/muster.yaml"
    before = file.read_text()
    file.write_text("topics: mine\n")
    run("cmake", "--install", BUILD, env={**os.environ, "DESTDIR": str(installed)})
    assert file.read_text() == "topics: mine\n"
    file.write_text(before)


def test_the_shipped_settings_file_can_be_read_and_its_comments_are_settings(installed, clean_env, tmp_path):
    text = (installed / "etc/muster/muster.yaml").read_text()
    run("muster", "check", "--config", installed / "etc/muster/muster.yaml", env=clean_env)
    taken = re.sub(r"(?m)^# ([a-z]+: )", r"\1", text).replace("schemas:", "# schemas:")
    assert taken.count("\n#") < text.count("\n#")
    (tmp_path / "muster.yaml").write_text(taken)
    run("muster", "check", "--config", tmp_path / "muster.yaml", env=clean_env)
    (tmp_path / "muster.yaml").write_text(taken.replace("topics:", "topisc:").replace("mongo:", "mogno:"))
    assert "mogno" in run("muster", "check", "--config", tmp_path / "muster.yaml", env=clean_env, status=78)


# Manual pages

@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_clean_and_can_be_read(installed, clean_env, tmp_path, page):
    source = gzip.decompress((installed / f"usr/share/man/{page}.gz").read_bytes())
    file = tmp_path / pathlib.Path(page).name
    file.write_bytes(source)
    assert run("mandoc", "-Tlint", file) == ""
    with open(os.devnull, "wb") as nowhere:
        groff = subprocess.run(["man", "--warnings", "-l", file], env=clean_env, stdout=nowhere, stderr=subprocess.PIPE, check=True)
    assert groff.stderr == b""
    assert re.search(r"^NAME\n +\S+ +- +\w", run("man", "-l", file, env=clean_env), re.MULTILINE)


def manual(installed, env, page):
    """A page as people read it, in one line."""
    text = run("man", "--nh", "--nj", "-l", installed / f"usr/share/man/{page}.gz", env=env)
    return " ".join(text.split())


def test_the_page_has_every_command_with_its_examples(installed, clean_env):
    page = manual(installed, clean_env, "man1/muster.1")
    commands = re.findall(r"^  (\w+) {2,}", run("muster", "--help", env=clean_env).split("\nsettings:")[0], re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        said = run("muster", command, "--help", env=clean_env)
        examples = re.findall(rf"^  (muster {command}\b.*)", said.split("\nsettings:")[0], re.MULTILINE)
        assert examples, f"muster {command} --help has no example"
        for example in examples:
            assert " ".join(example.split()) in page, example
        for flag in re.findall(r"^  (--[a-z-]+)", said, re.MULTILINE):
            assert flag in page, f"{flag} of muster {command} is missing"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_page_has_every_setting(installed, clean_env, stage):
    page = manual(installed, clean_env, f"man8/muster-{stage}.8")
    flags = re.findall(r"^  (--[a-z-]+)", run(f"muster-{stage}", "--help", env=clean_env), re.MULTILINE)
    assert len(flags) > 8
    for flag in set(flags) - {"--help", "--version"}:
        assert flag in page, f"{flag} is missing"


def test_the_page_of_provider_files_has_every_key(installed, clean_env):
    page = manual(installed, clean_env, "man5/muster-provider.5")
    for key in re.findall(r"^\| `(\w+)`", (ROOT / "docs/provider-files.md").read_text(), re.MULTILINE):
        assert key in page, key


# Completions

WORDS = [
    (["muster", "lin"], ["links"]),
    (["muster", "links", ""], ["list", "add", "sync", "due"]),
    (["muster", "links", "list", "qua"], ["qualys/hosts"]),
    (["muster", "links", "due", "--al"], ["--all"]),
    (["muster", "digest", ""], ["host"]),
    (["muster", "check", "--providers", "crow"], ["crowdstrike"]),
    (["muster", "check", "--providers", "qualys,crow"], ["qualys,crowdstrike"]),
    (["muster", "--log-level", ""], ["debug", "info", "warn", "error"]),
    (["muster", "--log-format", "=", "j"], ["json"]),
    (["muster-serializer", "--batch-"], ["--batch-pages", "--batch-bytes"]),
    (["muster-fetcher", "--log-format", "t"], ["text"]),
    (["muster", "check", "--schemas", "./sche"], ["./schemas"]),
    (["muster", "nonsense", ""], []),
]


@pytest.mark.parametrize("line, words", WORDS, ids=lambda w: " ".join(w))
def test_bash_completes(installed, clean_env, line, words):
    file = installed / f"usr/share/bash-completion/completions/{line[0]}"
    script = ('source "$0"; [[ $(complete -p "$1") == *" -F _muster "* ]] || exit 1; compopt() { :; }\n'
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muster; printf "%s\\n" "${COMPREPLY[@]}"')
    assert run("bash", "-c", script, file, *line, env=clean_env, cwd=ROOT).split() == words


class Terminal:
    """A shell at a terminal, with a person who types and waits for what appears."""

    def __init__(self, *words, **options):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, **options)
        os.close(slave)

    def types(self, text):
        os.write(self.master, text.encode())

    def shows(self, pattern, seconds=20):
        """What appeared since the last time, up to and with this."""
        seen, end = "", time.monotonic() + seconds
        while not re.search(pattern, seen, re.DOTALL):
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                pytest.fail(f"{pattern!r} did not appear:\n{seen}")
            seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(self.master, 4096).decode(errors="replace"))
        return seen

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def zsh(installed, clean_env, tmp_path):
    """zsh with its completion system; ^T does what TAB does, and prints what the line became."""
    terminal = Terminal("zsh", "-f", "-i", env={**clean_env, "TERM": "xterm", "ZDOTDIR": str(tmp_path)}, cwd=ROOT)
    (tmp_path / "setup").write_text(f"fpath=({installed}/usr/share/zsh/vendor-completions $fpath)\n"
                                    f"autoload -U compinit; compinit -u -d {tmp_path}/dump\n"
                                    "tell() { zle expand-or-complete; print -r -- \"<$BUFFER>\" }\n"
                                    "zle -N tell; bindkey '^T' tell; LISTMAX=1000; PS1='set up> '\n")
    terminal.types(f"source {tmp_path}/setup\n")
    terminal.shows("set up> ")
    yield terminal
    terminal.close()


@pytest.mark.parametrize("begun, becomes", [
    ("muster lin", "muster links "),
    ("muster links list qua", "muster links list qualys/hosts "),
    ("muster links due --al", "muster links due --all "),
    ("muster check --log-format=j", "muster check --log-format=json "),
    ("muster check --log-level d", "muster check --log-level debug "),
    ("muster check --schemas ./sche", "muster check --schemas ./schemas/"),
    ("muster-serializer --batch-p", "muster-serializer --batch-pages "),
])
def test_zsh_completes(zsh, begun, becomes):
    zsh.types(begun + "\x14")
    assert f"<{becomes}>" in zsh.shows(r"<[^>\r\n]*>")


def test_zsh_lists_what_can_follow_with_what_it_is(zsh):
    zsh.types("muster \t")
    seen = zsh.shows(r"digest +-- one SHA-256")
    assert re.search(r"explain +-- one entity: every field", seen), seen


# Units

def test_units_name_programs_and_pages_that_are_installed(installed):
    for stage in STAGES:
        unit = (installed / f"usr/lib/systemd/system/muster-{stage}@.service").read_text()
        assert "@CMAKE" not in unit and "@MUSTER" not in unit
        program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)[1]
        assert os.access(f"{installed}{program}", os.X_OK), program
        page, section = re.search(r"^Documentation=man:([a-z-]+)\((\d)\)", unit, re.MULTILINE).groups()
        assert (installed / f"usr/share/man/man{section}/{page}.{section}.gz").exists()
        assert ("fetcher.env" in unit) == (stage == "fetcher"), "only the fetcher gets the secrets"


def test_a_units_command_line_is_taken(installed, clean_env):
    """Up to the files, which are named so that it ends there: a flag that the program does not have would be 64."""
    for stage in STAGES:
        unit = (installed / f"usr/lib/systemd/system/muster-{stage}@.service").read_text()
        line = re.search(r"^ExecStart=(.*)", unit, re.MULTILINE)[1].replace("%H-%i", "here-1").split()
        said = run(f"{installed}{line[0]}", *line[1:], "--schemas", "/nowhere/at/all", env=clean_env, status=66)
        assert "/nowhere/at/all" in said


# The package

def test_the_package_is_what_is_installed(deb, installed, tmp_path):
    run("dpkg-deb", "-x", deb, tmp_path)
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {str(file.relative_to(installed)) for file in installed.rglob("*") if file.is_file()}
    assert (tmp_path / "etc/muster/fetcher.env").stat().st_mode & 0o777 == 0o600


def test_the_package_depends_on_its_libraries_and_keeps_its_settings(deb):
    needs = run("dpkg-deb", "-f", deb, "Depends")
    for library in ("librdkafka1", "libmongoc", "libmicrohttpd12", "libcurl4", "libyyjson0", "libyaml-0-2", "libc6"):
        assert library in needs, needs
    kept = run("dpkg-deb", "-I", deb, "conffiles").split()
    listed = re.findall(r"\./(etc/\S+[^/\s])$", run("dpkg-deb", "-c", deb), re.MULTILINE)
    assert kept == sorted(f"/{file}" for file in listed)


def test_lintian_has_nothing_to_say(deb):
    assert shutil.which("lintian"), "lintian is missing: tools/setup test brings it"
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", deb) == ""
