//! Compresses what the binary carries to print: the JSON Schemas are a quarter of a megabyte of
//! words that repeat, and an eighth of that when compressed.

use std::fs::File;
use std::path::Path;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=schemas");
    let out = env::var_os("OUT_DIR").expect("cargo says where to write");
    for entry in fs::read_dir("schemas")? {
        let path = entry?.path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        let compressed = File::create(Path::new(&out).join(format!("{name}.zlib")))?;
        let mut encoder = ZlibEncoder::new(compressed, Compression::best());
        io::copy(&mut File::open(&path)?, &mut encoder)?;
        encoder.finish()?;
    }
    Ok(())
}
