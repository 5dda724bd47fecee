//! Puts what comes from pinned packages (htmx, MapLibre GL, PMTiles) beside the other embedded assets. Without them the hub
//! still builds: its pages work by plain forms and lists; the warning and `hub`'s log say so.

#[path = "build/icon.rs"]
mod icon;

use std::path::Path;

/// Where each lies below `assets/node_modules/`, and its name here.
const PACKAGED: [(&str, &str); 6] = [
    ("htmx.org/dist/htmx.min.js", "htmx.min.js"),
    ("maplibre-gl/dist/maplibre-gl.mjs", "maplibre-gl.mjs"),
    ("maplibre-gl/dist/maplibre-gl-worker.mjs", "maplibre-gl-worker.mjs"),
    ("maplibre-gl/dist/maplibre-gl.css", "maplibre-gl.css"),
    ("maplibre-gl/LICENSE.txt", "maplibre-gl.txt"),
    ("pmtiles/dist/pmtiles.js", "pmtiles.js"),
];

fn main() {
    println!("cargo:rerun-if-changed=assets/static");
    println!("cargo:rerun-if-changed=templates");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for (path, name) in PACKAGED {
        let path = format!("assets/node_modules/{path}");
        println!("cargo:rerun-if-changed={path}");
        let text = std::fs::read(&path).unwrap_or_else(|_| {
            println!(
                "cargo:warning=hub/{path} is missing: run deploy/setup.sh (or `npm ci` in hub/assets) and build again; \
                 until then pages submit whole forms and have no map"
            );
            Vec::new()
        });
        std::fs::write(Path::new(&out).join(name), text).expect("OUT_DIR can be written");
    }
    println!("cargo:rerun-if-changed=build/icon.rs");
    for size in [192, 512] {
        let path = Path::new(&out).join(format!("icon-{size}.png"));
        std::fs::write(path, icon::png(size)).expect("OUT_DIR can be written");
    }
}
