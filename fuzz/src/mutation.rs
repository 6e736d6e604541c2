//! Inputs made from others, at random and yet the same every time.

/// What parsers stumble over.
const TOKENS: [&[u8]; 30] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud83d",
    b"-1",
    b"0.5",
    b"1e400",
    b"4294967296",
    b"18446744073709551616",
    b"\n\n",
    b"\r",
    b"\n",
    b"data: ",
    b"event: error\n",
    b"data: [DONE]\n\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\0",
    b"hunter2hunter2",
];

/// A generator of numbers (xorshift64*): small, and the same everywhere.
/// Source: <https://doi.org/10.1145/2845077>
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // The state must not be 0, and small seeds must differ in more than their last bits.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `limit`; 0 where `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap_or_default().checked_rem(limit).unwrap_or_default()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let longest = self.below(64) + 1;
        start..length.min(start + self.below(longest + 1))
    }
}

/// One of `seeds`, changed in a few places; empty where there are none.
pub fn mutant(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let Some(mut input) = seeds.get(random.below(seeds.len())).cloned() else { return Vec::new() };
    for _ in 0..=random.below(4) {
        change(&mut input, seeds, random);
    }
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let range = random.range(input.len());
    match random.below(6) {
        0 => drop(input.drain(range)),
        1 => {
            let again = input[range.clone()].to_vec();
            drop(input.splice(range.end..range.end, again));
        }
        2 => input.truncate(range.start),
        3 => {
            if let Some(byte) = input.get_mut(range.start) {
                *byte ^= 1 << random.below(8);
            }
        }
        4 => {
            let other = &seeds[random.below(seeds.len())];
            let part = random.range(other.len());
            drop(input.splice(range, other[part].to_vec()));
        }
        _ => drop(input.splice(range, TOKENS[random.below(TOKENS.len())].to_vec())),
    }
}
