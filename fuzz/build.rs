//! The laboratory of the tests names the binary that they run; a harness runs none.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=CARGO_BIN_EXE_uptick=uptick");
}
