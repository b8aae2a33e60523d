"""What is known of programs: which run others, which are safe filters, how wrappers are opened.

A program that runs what its arguments, its input or its settings say cannot be judged by its path.
`asks` says why such a call must be asked about although its program is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

TRUSTED = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")

SHELLS = re.compile(
    r"(?:ba|da|z|k|mk|pdk|a|fi|tc|c|rba|rz)?sh(?:-[\d.]+)?|bash[\d.]*|yash|elvish|pwsh"
)
_INTERPRETERS = re.compile(
    r"python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|php[\d.]*|lua(?:jit)?[\d.]*"
    r"|tclsh[\d.]*|wish[\d.]*|expect|guile[\d.]*|Rscript|julia|groovy|scala|java|swift|osascript"
)
# These run whatever they are told, so a yes counts for one call only.
_ALWAYS = re.compile(
    r"[gmn]?awk|original-awk|busybox|toybox|xargs|parallel|watch|script|screen|tmux|sudo|su|doas|sg"
    r"|pkexec|runuser|chroot|unshare|nsenter|bwrap|firejail|proot|fakeroot|capsh|setpriv|setarch"
    r"|linux(?:32|64)|i386|x86_64|prlimit|choom|flock|run-parts|start-stop-daemon|systemd-.*|at"
    r"|batch|crontab|ld(?:-.*)?\.so.*|ld-linux.*|gdb.*|strace|ltrace|valgrind|perf|vi|vim.*|nvim"
    r"|view|rvim|ex|ed|red|emacs.*|nano|pico|less|more|most|pg|man|info|dialog|whiptail|entr"
    r"|unbuffer|rlwrap|dbus-.*|wine.*|pexec|cpulimit|catchsegv|faketime|tini|dumb-init|su-exec"
    r"|gosu|s6-.*|runsv.*|chpst|daemonize|m4|irb|pry|jshell|ghci|gnuplot|octave.*"
)
# These run what settings or files of the folder say: only the operator may list them, in full.
_NAMED = re.compile(
    r"git|hg|svn|make|gmake|ninja|cmake|meson|bazel|gcc.*|g\+\+.*|cc|c\+\+|clang.*|ld|as|rustc|cargo"
    r"|go|tsc|npm|npx|yarn|pnpm|pip[\d.]*|uv|uvx|pipx|gem|bundle|apt.*|dpkg.*|rpm|dnf|yum|snap"
    r"|flatpak|systemctl|service|journalctl|ssh|slogin|sftp|scp|telnet|socat|nc|ncat|netcat|nc\..*"
    r"|docker|podman|kubectl|lxc.*|sqlite3?|psql|mysql|mariadb|mongosh?|redis-cli|bc|dc|mail|mutt"
    r"|ftp|lftp|ip|supervis.*|update-alternatives|ldconfig|insmod|modprobe|mount|umount|nmap"
    r"|tcpdump|tshark|openssl|gpg.*|curl|wget|aria2c|pytest|tox|nox|mvn|gradle|ant|rake|terraform"
)
# Programs with options that start or load something: the options, as they may be written.
_SHAPES: dict[str, str] = {
    "find": r"-(exec|ok)(dir)?|-delete|-fprint.*|-fls|-files0-from.*",
    "fd": r"-[^-]*[xX].*|--exec.*",
    "fdfind": r"-[^-]*[xX].*|--exec.*",
    "tar": r"--(to-c|checkpoint-a|use-c|rsh|rmt|info|new-vol|I|t).*|(?:-[^-]*|[a-zA-Z]*)[IF].*",
    "zip": r"-T.*|-[^-]*T.*|--unzip.*|--test.*",
    "unzip": r"-.*[Zz].*",
    "sort": r"--(co|files0|T).*|-[^-]*[ToS].*",
    "split": r"--f.*",
    "rsync": r"-[^-]*e.*|--rs.*|--daemon.*|-M.*|--remote.*",
    "rg": r"--pre.*|--hostname-bin.*|-z|--search-zip",
    "ag": r"--pager.*",
    "dd": r"of=.*",
    "date": r"-[^-]*[sf].*|--set.*|--file.*",
    "file": r"-[^-]*[mCf].*|--magic.*|--compile|--files-from.*",
    "xxd": r"-r.*",
    "diff": r"-l|--paginate|--pag.*",
    "git": r"-c.*|--conf.*|--exec.*|-p|--pag.*|--ext-diff|--textconv|--git-dir.*|--work-tree.*"
    r"|--upload-pack.*|--receive-pack.*|-u.*|-O.*|--open-files.*|-x.*|--output.*|bisect|submodule"
    r"|difftool|mergetool|filter-branch|hook|daemon|send-email|instaweb|ext::.*",
}
_FILTERS: dict[str, tuple[str, str, int]] = {
    # The options without a value, those with one, and how many words may stand beside them.
    "jq": (
        r"-[rcsnejaSCM]+|--(?:raw-output|compact-output|slurp|null-input|exit-status|tab)",
        "",
        1,
    ),
    "cut": (
        r"-[dfcb].+|-[sz]+|--(?:delimiter|fields|characters|bytes)=.*|--complement",
        "-[dfcb]",
        0,
    ),
    "uniq": (r"-[cdDiuz]+|-[fsw]\d+|--(?:count|repeated|unique|ignore-case)", "-[fsw]", 0),
    "head": (r"-\d+|-[nc]-?\d+|-[qvz]+|--(?:lines|bytes)=-?\d+", "-[nc]", 0),
    "tail": (r"-\d+|-[nc][+-]?\d+|-[qvz]+|--(?:lines|bytes)=[+-]?\d+", "-[nc]", 0),
    "tr": (r"-[cCdst]+|--(?:complement|delete|squeeze-repeats|truncate-set1)", "", 2),
    "wc": (r"-[clmwL]+|--(?:bytes|chars|lines|words|max-line-length)", "", 0),
}
_REACHING = re.compile(
    r"\b(?:import|include|env|input_filename|modulemeta|input_line_number)\b|\$ENV"
)


def name_of(path: str) -> str:
    return PurePosixPath(path).name


def trusted(path: str) -> bool:
    """Does a program lie where only the machine's administrator writes?"""
    return str(PurePosixPath(path).parent) in TRUSTED


def interprets(path: str) -> bool:
    """Is it an interpreter or a shell, whose first file is the real program?"""
    name = name_of(path)
    return bool(_INTERPRETERS.fullmatch(name) or SHELLS.fullmatch(name))


def launches(path: str) -> bool:
    """May it run something else, so that no wildcard may cover it?"""
    name = name_of(path)
    return interprets(path) or unnameable(path) or name in _SHAPES or name == "sed"


def unnameable(path: str) -> bool:
    """Is it one that allow-always must not store, because its next call could be anything?"""
    name = name_of(path)
    return bool(_ALWAYS.fullmatch(name) or _NAMED.fullmatch(name))


def asks(path: str, words: Sequence[str]) -> str | None:
    """Why this call needs a person although its program is allowed, or None."""
    name = name_of(path)
    if _ALWAYS.fullmatch(name):
        return f"{name} runs other programs"
    if name == "sed" and list(words[1:2]) != ["--sandbox"]:
        return "sed can run programs; begin with sed --sandbox"
    shape = _SHAPES.get(name)
    found = next((one for one in words[1:] if shape and re.fullmatch(shape, one)), None)
    return f"{name} {found} can run other programs or write files" if found else None


def is_filter(path: str, words: Sequence[str]) -> bool:
    """Is this one of the safe filters, with plain options and no file to read or write?"""
    name = name_of(path)
    if name not in _FILTERS or not trusted(path):
        return False
    plain, valued, room = _FILTERS[name]
    left = list(words[1:])
    while left:
        word = left.pop(0)
        if valued and re.fullmatch(valued, word):
            if not left:
                return False
            left.pop(0)
        elif not re.fullmatch(plain, word):
            if word.startswith("-") and len(word) > 1 and name != "tr":
                return False
            room -= 1
    return room >= 0 and not (name == "jq" and any(_REACHING.search(one) for one in words))


def unwrapped(path: str, words: Sequence[str]) -> int | None:
    """Where the program behind a wrapper stands among the words; 0 when this is no wrapper.

    None: it is a wrapper, used in a way that cannot be seen through.
    """
    name = name_of(path)
    rule = _WRAPPERS.get(name)
    if rule is None or not trusted(path):
        return 0
    plain, valued, fixed = rule
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if valued and re.fullmatch(valued, words[at]):
            at += 2
        elif plain and re.fullmatch(plain, words[at]):
            at += 1
        else:
            return None
    at += fixed
    if at >= len(words) or "=" in words[at] or words[at].startswith("-"):
        return None
    return at


_WRAPPERS: dict[str, tuple[str, str, int]] = {
    # Options without a value, options with one, and how many words stand before the program.
    "env": (r"-i|--ignore-environment", "", 0),
    "nice": (r"-\d+|-n-?\d+|--adjustment=-?\d+", "-n", 0),
    "nohup": ("", "", 0),
    "timeout": (
        r"--(?:preserve-status|foreground|verbose)|-v|--(?:kill-after|signal)=\w+",
        "-[ks]",
        1,
    ),
    "setsid": (r"-[cfw]+|--(?:ctty|fork|wait)", "", 0),
    "stdbuf": (r"-[ioe]\w+|--(?:input|output|error)=\w+", "-[ioe]", 0),
    "time": (r"-[pv]+", "", 0),
    "ionice": (r"-[cn]\d|-t", "-[cn]", 0),
}
