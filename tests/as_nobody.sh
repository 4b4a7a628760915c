#!/bin/sh
# Run a command as the unprivileged user `nobody`; needs root.
#
#     tests/as_nobody.sh .venv-tests/bin/pytest tests/sandbox
#
# Python and this checkout may lie in a folder that only root can enter. In a mount namespace of its
# own, such a folder is covered by an empty one in which just these two are put back.
set -eu
if [ "${AS_NOBODY_INSIDE:-}" != yes ]; then
    python=$(command -v "$(dirname "$1")/python" || command -v python3)
    here=$(cd "$(dirname "$0")/.." && pwd)
    AS_NOBODY_NEEDS=$("$python" -c 'import sys; print(sys.base_prefix, sys.prefix, sep="\n")')
    export AS_NOBODY_NEEDS="$AS_NOBODY_NEEDS
$here" AS_NOBODY_INSIDE=yes
    exec unshare --mount "$0" "$@"
fi

stash=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$stash"
covered=
number=0
for needed in $AS_NOBODY_NEEDS; do
    number=$((number + 1))
    mkdir "$stash/$number"
    mount --bind "$needed" "$stash/$number"
done
for needed in $AS_NOBODY_NEEDS; do
    folder=$needed
    while [ "$folder" != / ]; do
        folder=$(dirname "$folder")
        case $(stat -c %A "$folder") in
            *x | *t) ;;
            *) covered="$covered $folder" ;;
        esac
    done
done
for folder in $covered; do
    mountpoint -q "$folder" || mount -t tmpfs -o mode=755 tmpfs "$folder"
done
number=0
for needed in $AS_NOBODY_NEEDS; do
    number=$((number + 1))
    [ -d "$needed" ] && [ -n "$(ls -A "$needed")" ] && continue
    mkdir -p "$needed"
    mount --bind "$stash/$number" "$needed"
done
export HOME=/tmp PYTHONDONTWRITEBYTECODE=1
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
