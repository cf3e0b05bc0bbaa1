//! Makes sure that the folder to embed exists: the page is built by `cargo xtask ui`, never by a
//! build script (builds work offline and without Node).

use std::fs;
use std::path::Path;

fn main() {
    let page = Path::new("../../ui/dist/index.html");
    println!("cargo:rerun-if-changed=../../ui/dist");
    if !page.exists() {
        let text = "<!doctype html><meta charset=utf-8><title>Kymo</title><p>The page is not built: run <code>cargo xtask ui</code>.";
        let written = fs::create_dir_all("../../ui/dist").and_then(|()| fs::write(page, text));
        if let Err(error) = written {
            println!("cargo:warning=no placeholder for the page: {error}");
        }
    }
}
