#!/usr/bin/env bash
# Downloads a release of uptick, verifies its checksum and installs the program.
#   packaging/install.sh BASE_URL VERSION FOLDER [SHA256]
# The archive is BASE_URL/vVERSION/uptick-VERSION-TARGET.tar.gz, as the release workflow publishes it
# (on GitHub BASE_URL is https://github.com/OWNER/NAME/releases/download). Its checksum is SHA256 where
# that is given, which whoever can change the release cannot change too; else that of SHA256SUMS beside it.
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 2
}

base=${1:-} version=${2:-} folder=${3:-} wanted=${4:-}
[ -n "$base" ] || fail "no base URL: say where releases are, as https://github.com/OWNER/NAME/releases/download"
[ -n "$version" ] || fail "no version: say which release, as 0.2.0"
[ -n "$folder" ] || fail "no folder: say where the program goes"
base=${base%/} version=${version#v}
case $base in
    https://* | http://127.0.0.1:* | http://localhost:*) ;;
    *) fail "the base URL must begin with https://: $base" ;;
esac
case $(uname -s)-$(uname -m) in
    Linux-x86_64) target=x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-musl ;;
    *) fail "there is no archive for $(uname -s) on $(uname -m): build it with cargo install" ;;
esac

name=uptick-$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() {
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 10 --max-time 300 \
        --output "$work/$1" "$base/v$version/$1" || fail "$base/v$version/$1 cannot be downloaded"
}
get "$name.tar.gz"
if [ -z "$wanted" ]; then
    get SHA256SUMS
    # The name is the second word of its line, after a star where sha256sum read it as binary.
    wanted=$(awk -v name="$name.tar.gz" '{ sub(/^[*]?([.]\/)?/, "", $2) } $2 == name { print $1; exit }' "$work/SHA256SUMS")
    [ -n "$wanted" ] || fail "SHA256SUMS of v$version does not name $name.tar.gz"
fi
found=$(sha256sum "$work/$name.tar.gz" | cut -d' ' -f1)
[ "$found" = "$wanted" ] || fail "$name.tar.gz has the checksum $found, and not $wanted: nothing is installed"

tar -C "$work" -xzf "$work/$name.tar.gz" "$name/uptick"
mkdir -p "$folder"
install -m 755 "$work/$name/uptick" "$folder/uptick"
"$folder/uptick" --version
