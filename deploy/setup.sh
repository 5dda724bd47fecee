#!/usr/bin/env bash
# Makes a Debian 12 machine with Rust ready: packages, native libraries, web assets, the two binaries.
# Run it again at will: what is in place is left alone and needs no network.
#
#   deploy/setup.sh             everything; leaves target/release/edge-agent and target/release/hub
#   deploy/setup.sh --no-build  everything but the build
#   deploy/setup.sh --no-build --ship  the build that is to follow is that of `--profile ship`, into target/ship
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

build=yes tree=target/release
for argument in "$@"; do
    case "$argument" in
    --no-build) build=no ;;
    --ship) tree=target/ship ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown argument $argument" "deploy/setup.sh [--no-build [--ship]]" ;;
    esac
done

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "this is $(uname -s); Shaodian runs on Linux" "use Debian 12, on a machine or in a container"
    case "$(uname -m)" in
    x86_64 | aarch64) ;;
    *) fail "no inference libraries are published for $(uname -m)" "use an x86_64 or aarch64 machine" ;;
    esac
    command -v dpkg-query >/dev/null || fail "this is not Debian: dpkg-query is missing" "use Debian 12 (bookworm) or newer"

    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null && command -v rustc >/dev/null ||
        fail "Rust is not installed" "install Rust $wanted or newer with rustup (https://rustup.rs), then run this again"
    found=$(rustc --version | cut -d' ' -f2 | cut -d- -f1)
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n1)" = "$wanted" ] ||
        fail "Rust $found is too old; $wanted or newer is needed" "rustup update stable"

    # A first build writes about 8 GB; a later one next to nothing.
    if [ ! -x "$tree/hub" ]; then
        local free_gb memory_gb
        free_gb=$(($(df -Pk . | awk 'NR==2 {print $4}') / 1048576))
        [ "$free_gb" -ge 12 ] || fail "only $free_gb GB are free where the project lies; the first build needs 12" "free some space, or move the project to a larger disk"
        memory_gb=$(($(awk '/^MemAvailable/ {print $2}' /proc/meminfo) / 1048576))
        [ "$memory_gb" -ge 3 ] || say "warning: $memory_gb GB of memory are available; below 3 the build may be killed (CARGO_BUILD_JOBS=1 helps)"
    fi
}

install_packages() {
    local wanted present missing package
    wanted=$(grep -v -e '^#' -e '^$' deploy/packages.txt)
    # Node from elsewhere brings its own npm, which Debian's npm package would fight.
    if command -v npm >/dev/null; then wanted=$(grep -vx -e nodejs -e npm <<<"$wanted"); fi
    # shellcheck disable=SC2086 # one word per package
    present=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null | sed -n 's/^ii *//p' || true)
    missing=()
    for package in $wanted; do
        grep -qx -- "$package" <<<"$present" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    command -v apt-get >/dev/null || fail "apt-get is missing, and so are: ${missing[*]}" "install them by hand"
    local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
    # Without that setting apt-get calls it a success when it reached no archive. One that cannot be reached need not be
    # the one that has the packages, so installing is tried in any case.
    local lists=fresh
    as_root "${quiet[@]}" -o APT::Update::Error-Mode=any update || lists=stale
    as_root "${quiet[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null || {
        [ "$lists" = fresh ] ||
            fail "the package lists could not be fetched, and apt-get could not install: ${missing[*]}" "check the network and /etc/apt/sources.list*, then run this again"
        fail "apt-get could not install all of: ${missing[*]}" "read its message above; with a network and a Debian 12 mirror it works"
    }
}

install_native_libraries() {
    if [ "$(cat .native/pin 2>/dev/null)" = "$(sha256sum <deploy/native.txt)" ] &&
        (cd .native/lib && sha256sum --check --quiet --strict ../SHA256SUMS) >/dev/null 2>&1; then
        return
    fi
    say "fetching the inference libraries (about 14 MB)"
    local python=python3 scratch
    "$python" -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
    scratch=$(mktemp -d)
    # pip checks the hash before anything is unpacked; nothing is installed into any Python.
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --dest "$scratch" --requirement deploy/native.txt || {
        rm -r "$scratch"
        fail "the inference libraries could not be fetched, or are not the pinned ones" "check the network (a Python package index must be reachable), then run this again"
    }
    unzip -q -j "$scratch"/*.whl 'sherpa_onnx/lib/*.so' -d "$scratch/lib"
    mkdir -p .native/lib
    # Renamed into place: a running process keeps the file it has open.
    local library
    for library in "$scratch"/lib/*.so; do
        install -m 0644 "$library" ".native/lib/.new"
        mv ".native/lib/.new" ".native/lib/$(basename "$library")"
    done
    (cd .native/lib && sha256sum ./*.so >../SHA256SUMS)
    sha256sum <deploy/native.txt >.native/pin
    rm -r "$scratch"
}

# install_packaged FOLDER WHAT: what a package.json and its lock file name, into FOLDER/node_modules.
install_packaged() {
    local assets=$1
    [ -f "$assets/package-lock.json" ] || return 0
    local pin
    pin=$(cat "$assets/package.json" "$assets/package-lock.json" | sha256sum)
    [ "$(cat "$assets/node_modules/.pin" 2>/dev/null)" != "$pin" ] || return 0
    say "fetching $2"
    # The lock file carries the hash of each; no script of a package is run.
    (cd "$assets" && npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=10000) ||
        fail "$2 could not be fetched" "check the network (an npm registry must be reachable), then run this again"
    printf '%s\n' "$pin" >"$assets/node_modules/.pin"
}

check_machine
install_packages
install_native_libraries
install_packaged hub/assets "the web assets"
# Nothing of it is shipped.
[ "$tree" = target/ship ] || install_packaged tests "what the tests judge pages with"
[ "$build" = yes ] || exit 0
# Cargo knows best what is out of date; with nothing to do this takes about a second and no network.
cargo build --release --workspace --locked ||
    fail "the build failed" "read the compiler's message above; if it speaks of downloads, check the network"
for binary in edge-agent hub; do
    "target/release/$binary" --version >/dev/null ||
        fail "target/release/$binary was built but does not start" "run it by hand and read its message: target/release/$binary --version"
done
