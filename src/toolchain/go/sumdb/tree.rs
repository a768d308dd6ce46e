//! The Merkle tree of a checksum database: hashes as in RFC 6962 §2.1, read from tiles.

use std::collections::HashMap;

use base64ct::{Base64, Encoding};
use sealift_trust::Digest;

use super::SumDbError;

/// The hash of a node.
pub type Hash = [u8; 32];

/// Tiles have 2⁸ hashes, as the go command asks for them.
const HEIGHT: u32 = 8;
/// A tree of more records than these is not a tree of modules: it bounds recursion and arithmetic.
const LARGEST: u64 = 1 << 48;

/// A signed state of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many records it has.
    pub size: u64,
    /// The hash of its root.
    pub root: Hash,
}

impl Head {
    /// Reads `go.sum database tree`, size and root in three lines; further lines are for later versions.
    pub fn parse(text: &str) -> Result<Self, SumDbError> {
        let refuse = || SumDbError::Malformed { what: "tree head" };
        let mut lines = text.lines();
        if lines.next() != Some("go.sum database tree") {
            return Err(refuse());
        }
        let size = lines.next().and_then(decimal).filter(|size| *size <= LARGEST).ok_or_else(refuse)?;
        let root = lines.next().and_then(|line| Base64::decode_vec(line).ok()).and_then(|root| root.try_into().ok());
        Ok(Self { size, root: root.ok_or_else(refuse)? })
    }
}

/// Reads a decimal number that is spelled in the one canonical way.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// The hash of a record.
pub fn leaf(record: &[u8]) -> Hash {
    *Digest::of(&[&[0], record].concat()).bytes()
}

/// The hash of an inner node.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    *Digest::of(&[&[1], left.as_slice(), right].concat()).bytes()
}

/// Where a tile is: level in tiles, number within the level, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    level: u32,
    number: u64,
    width: u64,
}

impl Tile {
    /// The path of the tile (golang.org/design/25530-sumdb, "Checksum database"): `tile/8/0/x001/234.p/5`.
    pub fn path(&self) -> String {
        let mut number = format!("{:03}", self.number % 1000);
        let mut rest = self.number / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let partial = if self.width == 1 << HEIGHT { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{HEIGHT}/{}/{number}{partial}", self.level)
    }

    /// The same tile when it has become complete.
    pub fn complete(&self) -> Self {
        Self { width: 1 << HEIGHT, ..*self }
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        // At most 2⁸ hashes of 32 bytes.
        usize::try_from(self.width).unwrap_or(1 << HEIGHT) * 32
    }
}

/// Reads a tile's bytes: exactly [`Tile::bytes`] of them.
pub type ReadTile<'a> = dyn FnMut(Tile) -> Result<Vec<u8>, SumDbError> + 'a;

/// A tree whose nodes are read from tiles that nobody vouches for: what is computed from them counts only when it ends
/// at a signed root.
pub struct Tree<'a> {
    size: u64,
    read: &'a mut ReadTile<'a>,
    tiles: HashMap<Tile, Vec<u8>>,
}

impl<'a> Tree<'a> {
    /// A tree of a size.
    pub fn new(size: u64, read: &'a mut ReadTile<'a>) -> Self {
        Self { size, read, tiles: HashMap::new() }
    }

    /// The root as it follows from one record and the tiles beside its path (RFC 6962 §2.1.1).
    pub fn root_with(&mut self, number: u64, record: &Hash) -> Result<Hash, SumDbError> {
        if number >= self.size {
            return Err(SumDbError::Malformed { what: "record number" });
        }
        self.path(0, self.size, number, record)
    }

    fn path(&mut self, low: u64, high: u64, number: u64, record: &Hash) -> Result<Hash, SumDbError> {
        if high - low == 1 {
            return Ok(*record);
        }
        let middle = low + split(high - low);
        if number < middle {
            let left = self.path(low, middle, number, record)?;
            Ok(node(&left, &self.part(middle, high, None)?))
        } else {
            let left = self.part(low, middle, None)?;
            Ok(node(&left, &self.path(middle, high, number, record)?))
        }
    }

    /// The root of this tree and of the one that its first `older` records were, computed from the same nodes: when the
    /// first is the signed one, the second is what the older tree must have been (RFC 6962 §2.1.2).
    pub fn roots(&mut self, older: u64) -> Result<(Hash, Hash), SumDbError> {
        Ok((self.part(0, self.size, Some(older))?, self.part(0, older, None)?))
    }

    /// The hash over the records from `low` to `high`. Whole subtrees are read from tiles, but those through which the
    /// cut goes.
    fn part(&mut self, low: u64, high: u64, cut: Option<u64>) -> Result<Hash, SumDbError> {
        let count = high - low;
        if count == 0 {
            return Ok(*Digest::of(b"").bytes());
        }
        let through = cut.is_some_and(|cut| low < cut && cut < high);
        if count.is_power_of_two() && !through {
            return self.node(count.trailing_zeros(), low / count);
        }
        let middle = low + split(count);
        let left = self.part(low, middle, cut)?;
        Ok(node(&left, &self.part(middle, high, cut)?))
    }

    /// A node by its level and its number within the level.
    fn node(&mut self, level: u32, number: u64) -> Result<Hash, SumDbError> {
        let within = level % HEIGHT;
        let first = number << within;
        let level = level / HEIGHT;
        let tile_number = first >> HEIGHT;
        let there = (self.size >> (HEIGHT * level)) - (tile_number << HEIGHT);
        let tile = Tile { level, number: tile_number, width: there.min(1 << HEIGHT) };
        if !self.tiles.contains_key(&tile) {
            let bytes = (self.read)(tile)?;
            if bytes.len() != tile.bytes() {
                return Err(SumDbError::Malformed { what: "tile" });
            }
            self.tiles.insert(tile, bytes);
        }
        let at = usize::try_from(first & ((1 << HEIGHT) - 1)).unwrap_or(0) * 32;
        let hashes = self.tiles[&tile].get(at..at + (32 << within)).ok_or(SumDbError::Malformed { what: "tile" })?;
        let mut hashes: Vec<Hash> = hashes.chunks_exact(32).map(|hash| hash.try_into().unwrap_or_default()).collect();
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
        }
        Ok(hashes[0])
    }
}

/// The largest power of two below a number that is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}
