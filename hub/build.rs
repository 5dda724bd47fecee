//! Puts the pinned htmx beside the other embedded assets. Without it the hub still builds and its pages work by
//! plain forms; the warning and `hub`'s log say so.

use std::path::Path;

const HTMX: &str = "assets/node_modules/htmx.org/dist/htmx.min.js";

fn main() {
    println!("cargo:rerun-if-changed={HTMX}");
    println!("cargo:rerun-if-changed=assets/static");
    println!("cargo:rerun-if-changed=templates");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let target = Path::new(&out).join("htmx.min.js");
    let text = std::fs::read(HTMX).unwrap_or_else(|_| {
        println!(
            "cargo:warning=hub/{HTMX} is missing: run deploy/setup.sh (or `npm ci` in hub/assets) and build again; \
             until then pages submit whole forms"
        );
        Vec::new()
    });
    std::fs::write(&target, text).expect("OUT_DIR can be written");
}
