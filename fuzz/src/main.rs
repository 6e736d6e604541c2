//! Writes the seeds of every target into a folder of its name, and prints the names: for `make fuzz`.

#![expect(clippy::print_stdout, reason = "the Makefile reads it")]

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder =
        env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    for target in llm_proxy_fuzz::TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (at, seed) in llm_proxy_fuzz::seeds::of(target)?.into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{at}")), seed)?;
        }
        println!("{}", target.name);
    }
    Ok(())
}
