//! Configuration files, each in a directory of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_proxy_test_support::{FaultUpstream, refused_url};

/// A file whose directory is removed when this is dropped.
#[derive(Debug)]
pub struct ConfigFile {
    directory: PathBuf,
    path: PathBuf,
}

impl ConfigFile {
    /// LiteLLM's format.
    pub fn yaml(text: impl AsRef<[u8]>) -> Self {
        Self::named("litellm_config.yaml", text)
    }

    /// The format of desktop applications.
    pub fn ini(text: impl AsRef<[u8]>) -> Self {
        Self::named("config.ini", text)
    }

    fn named(name: &str, text: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = format!("llm-proxy-test-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        let file = Self { path: directory.join(name), directory };
        file.write(text);
        file
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file as a whole, as careful operators do: nobody sees half of it.
    pub fn write(&self, text: impl AsRef<[u8]>) {
        let new = self.directory.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.path).unwrap();
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.directory);
    }
}

/// `text` with the upstream's URL for `UPSTREAM`, and for `NOBODY` one where nobody listens.
pub fn fill(text: &str, upstream: &FaultUpstream) -> String {
    text.replace("UPSTREAM", &upstream.url()).replace("NOBODY", &refused_url().unwrap())
}
