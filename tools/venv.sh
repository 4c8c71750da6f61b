# shellcheck shell=sh
# Makes .venv ready. Sourced by the other scripts, which set `root` to the top of the repository.
#
#   .venv/rtseg-setup.stamp       what is installed: folder, Python, extras, checksum of pyproject.toml
#   .venv/rtseg-setup.unfinished  there while a set-up works; names its stage, so a killed one is noticed
#   .venv/rtseg-setup.lock        locked with flock(2), which the kernel lets go when a set-up is killed
#   .venv/rtseg-setup.log         what pip did

: "${root:?venv.sh is sourced by a script that sets root}"
venv=$root/.venv
setup=$venv/rtseg-setup

say() { printf 'rtseg: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 2
}

# Prints "3.11 /usr/bin/python3.11". The interpreter is run, since a pyenv shim can be there and fail,
# and links are followed, since it may lie in the very .venv that is about to be cleared.
probe() {
    "$1" -E -S -c 'import os, sys
print("%d.%d %s" % (sys.version_info[0], sys.version_info[1], os.path.realpath(sys.executable)))' 2>/dev/null
}

supported() {
    case $1 in 3.10 | 3.11 | 3.12) ;; *) return 1 ;; esac
}

# Sets python and python_version.
find_python() {
    found='' without_venv=''
    for candidate in "${PYTHON:-}" python3.12 python3.11 python3.10 python3 python "$venv/bin/python"; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        answer=$(probe "$candidate") || answer='does not run'
        python_version=${answer%% *} python=${answer#* }
        if ! supported "$python_version"; then
            found="$found${found:+, }$candidate (${answer%% /*})"
        elif "$candidate" -E -c 'import ensurepip, venv' 2>/dev/null; then
            return 0
        else
            without_venv=$python_version
        fi
    done
    [ -z "$without_venv" ] || fail "Python $without_venv is here, but not its venv module:" \
        "on Debian and Ubuntu, sudo apt install python$without_venv-venv"
    fail "Python 3.10, 3.11 or 3.12 is needed; found: ${found:-none}. Install one, for example" \
        "sudo apt install python3.11 python3.11-venv, or name one: PYTHON=/path/to/python3.11 $0"
}

# Whether .venv can be kept: made in this folder, no set-up killed half-way, its Python alive and the one
# that PYTHON asks for. A .venv without a stamp may be a developer's own: it is kept and added to.
is_sound() {
    case $(cat "$setup.unfinished" 2>/dev/null || echo none) in
        none) ;;
        # Until pip has fetched everything it leaves what is installed alone.
        pip) ! grep -q '^[^ ]* Installing collected packages' "$setup.log" || return 1 ;;
        *) return 1 ;;
    esac
    venv_version=$(probe "$venv/bin/python") || return 1
    venv_version=${venv_version%% *}
    stamp_root=$root stamp_version=$venv_version stamp_extras='' stamp_sum=''
    if [ -e "$setup.stamp" ]; then
        { IFS= read -r stamp_root && read -r stamp_version && read -r stamp_extras &&
            read -r stamp_sum; } <"$setup.stamp" || return 1
    fi
    [ "$stamp_root $stamp_version" = "$root $venv_version" ] && supported "$venv_version" || return 1
    asked=$(probe "${PYTHON:-}") && supported "${asked%% *}" || return 0
    [ "${asked%% *}" = "$venv_version" ]
}

# The lists of extras nest (viewer; viewer,train,dev), so a part of the text is a part of the list.
includes() {
    case ",$1," in *",$2,"*) ;; *) return 1 ;; esac
}

is_ready() {
    is_sound && [ -x "$venv/bin/rtseg" ] && includes "$stamp_extras" "$1" &&
        [ "$stamp_sum" = "$(cksum <"$root/pyproject.toml")" ]
}

lock() { "$python" -E -S -c "import fcntl; fcntl.flock(9, fcntl.LOCK_EX$1)" 9>&9 2>/dev/null; }

# $1: extras, as in "viewer". Returns at once where they are installed.
ready_venv() {
    is_ready "$1" && return
    find_python
    if ! mkdir -p "$venv" 2>/dev/null || ! (: >>"$setup.lock") 2>/dev/null; then
        fail "cannot write to $venv: set rtseg up as a user who can, or copy the repository to where you can"
    fi
    exec 9>>"$setup.lock"
    if ! lock '|fcntl.LOCK_NB'; then
        say "another set-up of .venv is at work: waiting for it"
        lock '' || fail "cannot lock $setup.lock: is it on a network folder without locks?"
    fi
    trap 'say "interrupted: run the same again to go on"; exit 130' INT
    is_ready "$1" || install "$1"
    trap - INT
    exec 9>&-
}

install() {
    extras=$1 download='350 MB' disk_mb=1500 # both a little above what x86-64 takes
    if includes "$extras" train; then download='1000 MB (TensorFlow is big)' disk_mb=4000; fi
    if ! is_sound; then
        { echo venv >"$setup.unfinished"; } 2>/dev/null || fail "cannot write to $venv: is the disk full?"
        find "$venv/" -mindepth 1 -maxdepth 1 ! -name 'rtseg-setup.*' -exec rm -rf {} +
        rm -f "$setup.stamp"
        venv_version=$python_version stamp_extras=''
    fi
    if includes "$stamp_extras" "$extras"; then
        extras=$stamp_extras
        say "bringing .venv up to date with pyproject.toml"
    else
        say "setting up .venv with Python $venv_version: first time only, up to $download to download and" \
            "$disk_mb MB of disk"
        free_kb=$(df -Pk "$venv/" | awk 'NR == 2 { print $4 }')
        used_kb=$(du -sk "$venv/" | cut -f 1)
        [ $(((free_kb + used_kb) / 1024)) -ge "$disk_mb" ] ||
            fail "no space: the set-up needs $disk_mb MB, the disk of $venv has $((free_kb / 1024)) MB free"
    fi
    : >"$setup.log"
    [ -e "$venv/pyvenv.cfg" ] || clean_env "$python" -I -m venv "$venv" >>"$setup.log" 2>&1 || explain
    if [ ! -e "$venv/bin/pip" ]; then # a developer's own, made by uv
        clean_env "$venv/bin/python" -I -m ensurepip --default-pip >>"$setup.log" 2>&1 || explain
    fi
    echo pip >"$setup.unfinished"
    # Not in a subshell: on Ctrl-C this shell must wait for pip's last words before its own.
    clean_env "$venv/bin/python" -I -m pip install --no-input --log "$setup.log" \
        --editable "${root}[$extras]" >&2 || explain
    printf '%s\n' "$root" "$venv_version" "$extras" "$(cksum <"$root/pyproject.toml")" >"$setup.stamp"
    rm "$setup.unfinished"
}

# ROS and others set PYTHONPATH: pip would take their packages for installed ones.
clean_env() {
    env -u PYTHONPATH -u PYTHONHOME PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
}

# The last word after a failure, read from pip's log.
explain() {
    log=.venv/rtseg-setup.log
    error=$(sed -n 's/^[^ ]* *ERROR: \(\[present-rich\] \)*//p' "$setup.log" | tail -n 1)
    if grep -q 'No space left on device' "$setup.log"; then
        fail "no space left on the disk of $venv or of ${TMPDIR:-/tmp}: free some, then run the same again"
    elif grep -Eq 'connection broken|Max retries|timed out|IncompleteRead|HTTP error' "$setup.log"; then
        fail "the package index did not answer: check the network, then run the same again to go on ($log)"
    elif grep -q 'No matching distribution' "$setup.log"; then
        fail "$error in the package index: check pip's settings, then run the same again to go on ($log)"
    fi
    fail "setting up .venv failed${error:+: $error}; $log says more"
}
