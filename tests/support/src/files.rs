//! Files of one test, in a directory of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory that is removed when this is dropped. Anybody may write into it: a server that is started
/// by root gives root up.
#[derive(Debug)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// An empty directory.
    ///
    /// # Panics
    /// If it cannot be made.
    #[expect(clippy::expect_used, reason = "a test without its files cannot go on")]
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("llm-proxy-files-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("a directory for all");
        Self { directory }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a file, and says where it is.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(clippy::expect_used, reason = "a test without its files cannot go on")]
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// What a file holds; empty where there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.directory);
    }
}
