#!/usr/bin/env bash
# Makes the Debian packages of both binaries: target/debian/shaodian-{hub,edge}_VERSION_ARCH.deb
# Two runs over the same binaries give the same bytes.
#
#   deploy/package.sh           builds both as they are to be installed (profile `ship`), and packs them
#   deploy/package.sh FOLDER    packs the binaries that lie in FOLDER, into FOLDER/debian
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -le 1 ] || fail "one folder at most" "deploy/package.sh [FOLDER]"
case "${1:-}" in
-h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
-*) fail "unknown argument $1" "deploy/package.sh [FOLDER]" ;;
'')
    cd "$root"
    programs=target/ship target=$root/target/debian
    deploy/setup.sh --no-build --ship
    cargo build --profile ship --workspace --locked --bin hub --bin edge-agent >&2 ||
        fail "the build failed" "read the compiler's message above; if it speaks of downloads, check the network"
    ;;
*)
    # Not where packages to install lie: these may be made for tests.
    programs=$(realpath -m -- "$1")
    target=$programs/debian
    cd "$root"
    ;;
esac

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.lock)}
export SOURCE_DATE_EPOCH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$target"

# libraries TREE BINARY…: the Debian packages whose libraries these binaries load, by name and version.
libraries() {
    local tree=$1 stage
    shift
    stage=$(mktemp -d -p "$scratch")
    mkdir "$stage/debian"
    printf 'Source: shaodian\n\nPackage: shaodian\nArchitecture: any\n' >"$stage/debian/control"
    (cd "$stage" && dpkg-shlibdeps -O --ignore-missing-info -l"$tree/usr/lib/shaodian" "${@/#/-e}" 2>"$stage/messages") |
        sed -n 's/^shlibs:Depends=//p' || { cat "$stage/messages" >&2; fail "the libraries of $* could not be told" "is dpkg-dev installed? deploy/setup.sh"; }
}

# package NAME BINARY DESCRIPTION DEPENDS: everything else is alike.
package() {
    local name=$1 binary=$2 description=$3 depends=$4 tree=$scratch/$1 file
    local service=${name#shaodian-}
    [ -x "$programs/$binary" ] || fail "$programs/$binary is missing" "deploy/package.sh without a folder builds it"
    install -D -m 0755 "$programs/$binary" "$tree/usr/bin/$binary"
    # Symbols stay (readable backtraces), line tables go.
    strip --strip-debug "$tree/usr/bin/$binary"
    for file in deploy/systemd/"$name"{,-*}.*; do
        [ ! -e "$file" ] || install -D -m 0644 "$file" "$tree/lib/systemd/system/$(basename "$file")"
    done
    install -D -m 0640 "deploy/$service.example.toml" "$tree/etc/shaodian/$service.toml"
    # Commands that an installer types find the same folder as the service.
    sed -i "s|^# *data_dir = .*|data_dir = \"/var/lib/$name\"|" "$tree/etc/shaodian/$service.toml"
    sed -i "s|^# *models = \".*|models = \"/var/lib/$name/models\"|" "$tree/etc/shaodian/$service.toml"
    grep -q "^data_dir = \"/var/lib/$name\"" "$tree/etc/shaodian/$service.toml" ||
        fail "deploy/$service.example.toml has no line '# data_dir = …'" "the package sets the service's folder there"
    for file in README.md README.zh-CN.md THIRD_PARTY.md CHANGELOG.md docs/INSTALL.md docs/INSTALL.zh-CN.md; do
        install -D -m 0644 "$file" "$tree/usr/share/doc/$name/$file"
    done
    install -D -m 0644 LICENSE "$tree/usr/share/doc/$name/copyright"
    if [ "$binary" = edge-agent ]; then
        for file in .native/lib/libonnxruntime.so .native/lib/libsherpa-onnx-c-api.so; do
            install -D -m 0644 "$file" "$tree/usr/lib/shaodian/$(basename "$file")"
        done
        # What comes with the product; scripts and data of the training stay in the source tree.
        for file in models/*/*.onnx models/*/golden* models/*/tokens.txt models/*/README*.md; do
            [ ! -e "$file" ] || install -D -m 0644 "$file" "$tree/usr/share/shaodian/$file"
        done
        for file in deploy/asterisk/extensions.conf.example models/manifest.toml; do
            install -D -m 0644 "$file" "$tree/usr/share/doc/$name/$file"
        done
    fi

    local objects=("$tree/usr/bin/$binary") needed
    [ ! -d "$tree/usr/lib/shaodian" ] || objects+=("$tree"/usr/lib/shaodian/*.so)
    needed=$(libraries "$tree" "${objects[@]}")
    mkdir "$tree/DEBIAN"
    printf '/etc/shaodian/%s.toml\n' "$service" >"$tree/DEBIAN/conffiles"
    for file in postinst prerm postrm; do
        sed "s/@NAME@/$name/g; s/@SERVICE@/$service/g" "deploy/debian/$file" >"$tree/DEBIAN/$file"
        chmod 0755 "$tree/DEBIAN/$file"
    done
    cat >"$tree/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: The Shaodian authors <shaodian@example.org>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: adduser, ca-certificates, ${needed:+$needed, }$depends
Section: net
Priority: optional
Description: $description
CONTROL
    find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zzstd -z9 --build "$tree" "$target/${name}_${version}_$architecture.deb" >/dev/null
    say "$target/${name}_${version}_$architecture.deb"
}

package shaodian-hub hub "Shaodian hub: incidents of boxes become cases for people" "tzdata"
# The plugins that cameras need are loaded by name, so no tool finds them.
package shaodian-edge edge-agent "Shaodian edge agent: cameras and calls become incidents, on site" \
    "tzdata, glib-networking, gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad, gstreamer1.0-plugins-ugly, gstreamer1.0-libav"
