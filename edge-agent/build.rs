//! Lets the binary find `libsherpa-onnx-c-api.so` and `libonnxruntime.so` without environment variables, both
//! installed (`/usr/bin` beside `/usr/lib/shaodian`) and from `target/PROFILE` of a checkout. The linker
//! arguments of the crate that links the library apply to that crate's own targets only.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for folder in ["../lib/shaodian", "../../.native/lib", "../../../.native/lib"] {
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/{folder}");
    }
}
