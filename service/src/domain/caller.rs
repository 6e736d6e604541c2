//! Who asks.

/// Whoever shows the same key is the same caller. The key itself is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller([u8; 32]);

impl Caller {
    /// The caller that shows the key with this SHA-256.
    #[must_use]
    pub const fn of_key_hash(key_hash: [u8; 32]) -> Self {
        Self(key_hash)
    }
}
