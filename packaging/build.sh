#!/usr/bin/env bash
# Builds what a release consists of into target/package: the archive that cargo-binstall looks for,
# and the Debian package where cargo-deb is installed.
#   packaging/build.sh [--debug] [TARGET]
set -euo pipefail
cd "$(dirname "$0")/.."

profile=dist build=(cargo rustc --locked --bin uptick --profile dist)
if [ "${1:-}" = --debug ]; then
    profile=debug build=(cargo rustc --locked --bin uptick)
    shift
fi
host=$(rustc -vV | sed -n 's/^host: //p')
target=${1:-$host}
if [ "$target" = "$host" ]; then
    folder=target/$profile
else
    # Needs `rustup target add $target`; a musl target also musl-gcc, of Debian's musl-tools.
    build+=(--target "$target")
    folder=target/$target/$profile
fi
if [ "$profile" = dist ]; then
    # A binary for everyone says nothing of where it was made.
    cargo fetch --locked --quiet
    for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--remap-path-prefix=$registry/="
    done
    export RUSTFLAGS
fi
# At fixed addresses there is nothing to relocate: a third of the time from start to exit of a short check
# (docs/benchmarks.md, SECURITY.md).
"${build[@]}" -- -C relocation-model=static

# What a pipeline downloads stays small; see [profile.dist] in Cargo.toml.
size=$(stat -c %s "$folder/uptick")
limit=30000000
if [ "$profile" = dist ] && [ "$target" = "$host" ] && [ "$size" -gt "$limit" ]; then
    echo "error: $folder/uptick has $size bytes; a release may have $limit" >&2
    exit 1
fi

version=$(cargo metadata --format-version 1 --no-deps --locked | grep -o '"version":"[^"]*"' | head -1 | cut -d'"' -f4)
name=uptick-$version-$target
out=target/package
rm -rf "$out"
mkdir -p "$out/$name"
# The manual page and the completions are the binary's own word. One for another machine cannot
# run here; then the host's build says the same.
speaker=$folder/uptick
if ! "$speaker" --version >/dev/null 2>&1; then
    cargo build --locked --quiet
    speaker=target/debug/uptick
fi
"$speaker" man >"$out/uptick.1"
"$speaker" completions bash >"$out/uptick.bash"
"$speaker" completions zsh >"$out/_uptick"
"$speaker" completions fish >"$out/uptick.fish"

cp "$folder/uptick" README.md LICENSE CHANGELOG.md "$out"/{uptick.1,uptick.bash,_uptick,uptick.fish} "$out/$name/"
cp -r packaging/systemd packaging/users examples "$out/$name/"
tar -C "$out" --owner=0 --group=0 --sort=name -czf "$out/$name.tar.gz" "$name"
rm -r "${out:?}/$name"

if command -v cargo-deb >/dev/null && [ "$profile" = dist ]; then
    deb=(cargo deb --profile dist --no-build --no-strip --quiet --output "$out/")
    [ "$target" = "$host" ] || deb+=(--target "$target")
    "${deb[@]}"
fi
cd "$out"
find . -name 'uptick*.tar.gz' -o -name '*.deb' | sed 's|^[.]/||' | sort | xargs sha256sum -- >SHA256SUMS
ls -l
