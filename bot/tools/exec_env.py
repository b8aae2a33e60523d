"""The environment of a program that an agent starts: little of ours, and nothing that redirects it.

A variable may make a program load or start something else, so those that do are refused under any
policy. Nothing of our own environment is inherited but what tells language, zone and home.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

INHERITED = ("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What is looked up to load code, to find or start programs, or to read settings that do.
_REFUSED = re.compile(
    r"PATH|CDPATH|IFS|ENV|HOME|SHELL|SHELLOPTS|BASHOPTS|BASH_.*|ZDOTDIR|FPATH|PS4|PROMPT_COMMAND"
    r"|GLOBIGNORE|INPUTRC|LD_.*|DYLD_.*|_RLD.*|LIBPATH|SHLIB_PATH|GLIBC_.*|MALLOC_.*|GCONV_PATH"
    r"|NLSPATH|LOCPATH|HOSTALIASES|RES_OPTIONS|TERMINFO.*|TERMCAP|PYTHON.*|PERL.*|RUBY.*|GEM_.*"
    r"|BUNDLE_.*|NODE_.*|NPM_.*|YARN_.*|DENO_.*|BUN_.*|LUA_.*|PHPRC|PHP_.*|JAVA_.*|_JAVA_.*|JDK_.*"
    r"|CLASSPATH|MAVEN_.*|GRADLE_.*|GO.*|CARGO_.*|RUSTC.*|RUSTUP_.*|RUSTFLAGS|CC|CXX|CPP|LD|AR"
    r"|MAKE.*|CFLAGS|LDFLAGS|CMAKE_.*|COMPILER_PATH|GCC_.*|PIP_.*|UV_.*|VIRTUAL_ENV|CONDA_.*"
    r"|GIT_.*|SSH_.*|SUDO_.*|RSYNC_.*|CVS_.*|SVN_.*|HG.*|DOCKER_.*|KUBECONFIG|XDG_.*|TAR_OPTIONS"
    r"|GREP_OPTIONS|GZIP|ZIPOPT|UNZIP|LESS.*|MORE|PAGER|.*_PAGER|MANPAGER|EDITOR|VISUAL|.*_EDITOR"
    r"|BROWSER|CURL_.*|WGETRC|SYSTEM_WGETRC|SSL_.*|OPENSSL_.*|GNUPGHOME|SQLITE_.*|PSQL.*|PG.*"
    r"|MYSQL_.*|VIMINIT|EXINIT|EMACS.*|R_.*|JULIA_.*|AWKPATH|AWKLIBPATH|AWS_.*|.*_ASKPASS"
    r"|(?:HTTP|HTTPS|ALL|FTP|NO)_PROXY|TRUNKLINE_.*",
    re.IGNORECASE,
)


def refused(env: Mapping[str, str]) -> str | None:
    """Why these variables may not be set, or None."""
    for name, value in env.items():
        if not _NAME.fullmatch(name):
            return f"{name!r} is not the name of a variable"
        if _REFUSED.fullmatch(name):
            return f"the variable {name} may not be set: it changes which code a program runs"
        if "\0" in value:
            return f"the variable {name} holds a NUL"
    return None


def search_path(ours: Mapping[str, str]) -> str:
    """Our own PATH without what is not absolute; programs are looked up nowhere else."""
    entries = ours.get("PATH", SYSTEM_PATH).split(os.pathsep)
    return os.pathsep.join(one for one in entries if one.startswith("/")) or SYSTEM_PATH


def environment(
    ours: Mapping[str, str], run: Mapping[str, str], call: Mapping[str, str]
) -> dict[str, str]:
    """What a program sees: a few of ours, what the operator gave the run, what the call sets."""
    kept = {name: ours[name] for name in INHERITED if name in ours}
    kept |= {name: value for name, value in ours.items() if name.startswith("LC_")}
    return {**kept, **call, **run, "PATH": search_path(ours), "TERM": "dumb"}
