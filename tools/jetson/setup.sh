#!/bin/sh
# Sets rtseg up on a Jetson with JetPack 6 or 7: TensorRT, CUDA and a cv2 with GStreamer from apt, the rest
# from wheels in .venv, which sees both. Can be run again at any time, and then does what is still to be done.
#
#   tools/jetson/setup.sh              asks for the password where something is to be installed
#   PYTHON=/path/to/python3 tools/jetson/setup.sh
set -eu
root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
: "${JETSON_ROOT:=}" # where the board's files are read, for tests
: "${PYTHON:=/usr/bin/python3}"
export PYTHON
# shellcheck source=tools/venv.sh
. "$root/tools/venv.sh"

# Sets board, release (as in 36.4.3), jetpack (its generation) and own_python.
find_board() {
    if ! [ -e "$JETSON_ROOT/etc/nv_tegra_release" ]; then
        fail "this is no Jetson: there is no /etc/nv_tegra_release. Elsewhere tools/rtseg is all that is needed"
    fi
    board=$(tr -d '\0' <"$JETSON_ROOT/proc/device-tree/model" 2>/dev/null) || board=Jetson
    release=$(sed -n 's/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\).*/\1.\2/p' \
        "$JETSON_ROOT/etc/nv_tegra_release")
    case $release in
        36.*) jetpack=6 own_python=3.10 ;;
        38.* | 39.*) jetpack=7 own_python=3.12 ;;
        [0-9] | [0-9].* | [12][0-9].* | 3[0-5].*)
            fail "$board has L4T $release, that is JetPack 5 or older: its Python is 3.8 or older, past its end," \
                "and its TensorRT works with no newer one. rtseg needs JetPack 6 or 7: flash one of them"
            ;;
        *)
            fail "$board has L4T '$release', which this script does not know: it knows 36 (JetPack 6), 38 and 39" \
                "(JetPack 7). tools/jetson/README.md says what to do by hand"
            ;;
    esac
    say "$board, L4T $release, JetPack $jetpack"
}

check_python() {
    found=$(probe "$PYTHON") || found='does not run'
    [ "${found%% *}" = "$own_python" ] ||
        fail "$PYTHON is Python ${found%% /*}, but TensorRT and cv2 of JetPack $jetpack are for $own_python:" \
            "name the board's own, PYTHON=/usr/bin/python$own_python $0"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

has_package() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the packages that are missing. $1 says what they are for.
apt_install() {
    purpose=$1 missing=''
    shift
    for package; do has_package "$package" || missing="$missing $package"; done
    [ -n "$missing" ] || return 0
    say "installing for $purpose:$missing"
    # shellcheck disable=SC2086 # the names are words without spaces
    if ! as_root apt-get -q -o DPkg::Lock::Timeout=120 update >&2 ||
        ! as_root apt-get -q -o DPkg::Lock::Timeout=120 install -y $missing >&2; then
        fail "apt could not install$missing: check the network and the disk, then run the same again"
    fi
}

# Prints yes or no; fails where there is no cv2 that loads. Not in .venv: what it sees beside is the board's.
cv2_has_gstreamer() {
    clean_env "$PYTHON" -I -c 'import re, cv2
found = re.search(r"GStreamer:\s*(\w+)", cv2.getBuildInformation())
print("yes" if found and found[1] == "YES" else "no")' 2>/dev/null
}

install_from_apt() {
    # Boards that were flashed from an image for SD cards have no CUDA and no TensorRT yet.
    if ! [ -x "$JETSON_ROOT/usr/local/cuda/bin/nvcc" ] || ! has_package python3-libnvinfer; then
        apt_install 'CUDA and TensorRT (several GB)' nvidia-jetpack python3-libnvinfer
    fi
    apt_install 'Python, PyCUDA and cameras' python3-venv python3-dev build-essential v4l-utils \
        gstreamer1.0-tools gstreamer1.0-plugins-good
    apt_install 'the window' libgl1 libegl1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 \
        libxkbcommon-x11-0 libdbus-1-3 libfontconfig1
    case $(cv2_has_gstreamer || echo none) in
        yes) ;;
        none) apt_install 'CSI cameras' python3-opencv ;;
        *) say "the cv2 of $PYTHON has no GStreamer: sudo pip may have put it over the board's own" ;;
    esac
    [ "$(cv2_has_gstreamer || echo none)" = yes ] ||
        fail "cv2 of $PYTHON has no GStreamer, which CSI cameras need: remove what pip installed," \
            "'sudo $PYTHON -m pip uninstall opencv-python', then run the same again"
}

join_groups() {
    [ "$(id -u)" != 0 ] || return 0
    for group in video render; do
        grep -q "^$group:" "$JETSON_ROOT/etc/group" 2>/dev/null || continue
        case " $(id -nG "$(id -un)") " in *" $group "*) continue ;; esac
        say "adding you to the group $group, which may use cameras and GPU: log out and in again afterwards"
        as_root usermod -aG "$group" "$(id -un)"
    done
}

# pip's cv2 has no GStreamer and would come before the board's.
use_own_cv2() {
    for folder in "$venv"/lib/python*/site-packages/cv2; do
        [ -e "$folder" ] || continue
        say "removing pip's cv2 from .venv: the board's own reads CSI cameras"
        clean_env "$venv/bin/python" -I -m pip -q uninstall -y opencv-python-headless opencv-python >&2
    done
    if ! grep -q '^include-system-site-packages = true' "$venv/pyvenv.cfg"; then
        # Only rewrites the settings: what is installed stays.
        clean_env "$PYTHON" -I -m venv --system-site-packages --without-pip "$venv"
    fi
}

say_power_mode() {
    mode=$(sed -n 's/.*pmode:0*\([0-9][0-9]*\).*/\1/p' "$JETSON_ROOT/var/lib/nvpmodel/status" 2>/dev/null) || return 0
    config=$JETSON_ROOT/etc/nvpmodel.conf
    [ -n "$mode" ] && [ -e "$config" ] || return 0
    name=$(sed -n "s/.*POWER_MODEL ID=$mode NAME=\([^ >]*\).*/\1/p" "$config")
    fastest=$(sed -n 's/.*POWER_MODEL ID=\([0-9]*\) NAME=MAXN.*/\1/p' "$config" | head -n 1)
    if [ -n "$fastest" ] && [ "$fastest" != "$mode" ]; then
        say "power mode $name; the fastest is set by: sudo nvpmodel -m $fastest"
    fi
}

[ $# = 0 ] || fail "unknown argument $1: this script takes none; see the top of $0"
[ -z "${SUDO_USER:-}" ] || fail "run it without sudo: .venv shall be yours, and it asks where root is needed"
find_board
check_python
install_from_apt
join_groups
cd "$root" # pip splits the name of a file of constraints at spaces
PIP_CONSTRAINT=tools/jetson/constraints.txt
export PIP_CONSTRAINT
PATH=$JETSON_ROOT/usr/local/cuda/bin:$PATH # PyCUDA is compiled while it is installed
ready_venv viewer,tensorrt
use_own_cv2
say_power_mode
say 'looking at it all with: rtseg doctor --for tensorrt'
"$venv/bin/rtseg" doctor --for tensorrt || {
    code=$?
    say 'not all is well yet: see above'
    exit "$code"
}
say "ready: $venv/bin/rtseg run --camera csi://0"
