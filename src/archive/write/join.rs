//! Lets one deflate stream go on in another (RFC 1951).
//!
//! libdeflate compresses a buffer to a whole stream: the last of its blocks is marked as the end, and the stream ends
//! within a byte. To put streams one after the other, that mark has to go and the end has to be moved to a byte. Both
//! places are known only to who goes through all symbols of the stream, since nothing in it says how long a block is.
//! Nothing is decompressed for that: of a match only the number of its bits counts.

use std::io;

/// Symbols of more bits than this are looked up bit by bit.
const LOOKUP: u32 = 11;
const SLOTS: usize = 1 << LOOKUP;
const LONGEST_CODE: usize = 15;

/// The order in which a dynamic block gives the code lengths' own lengths (RFC 1951 §3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END: u16 = 256;

/// Goes through streams; what it holds is room for tables, nothing of one stream is left for the next.
pub(super) struct Joiner {
    literals: Code,
    distances: Code,
    /// For the next [`LOOKUP`] bits how many of them are literals and, if one follows, the length with its extra bits
    /// ([`MATCH`]) or the end of the block ([`STOP`]).
    runs: Box<[u8; SLOTS]>,
    /// For the next [`LOOKUP`] bits how many bits the distance has with its extra bits, or [`RARE`].
    spans: Box<[u8; SLOTS]>,
}

/// The part of a slot that counts bits.
const COUNT: u8 = 0x1f;
/// A distance follows.
const MATCH: u8 = 0x20;
/// The block ends here; always with [`RARE`].
const STOP: u8 = 0x40;
/// No look-up can go on from here.
const RARE: u8 = 0x80;

/// Where the last block of a stream is, in bits from the stream's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Last {
    header: usize,
    end: usize,
}

impl Joiner {
    /// How many bytes more a stream can become.
    pub(super) const MOST_ADDED: usize = 5;

    pub(super) fn new() -> Self {
        Self {
            literals: Code::default(),
            distances: Code::default(),
            runs: Box::new([0; SLOTS]),
            spans: Box::new([0; SLOTS]),
        }
    }

    /// Makes a whole stream the beginning of a longer one: its last block is not the last any more, and an empty
    /// stored block (RFC 1951 §3.2.4) leads to the end of a byte, where any stream can follow.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when `stream` is no deflate stream or bytes follow its end.
    pub(super) fn open(&mut self, stream: &mut Vec<u8>) -> io::Result<()> {
        let Last { header, end } = self.last(stream)?;
        if end.div_ceil(8) != stream.len() {
            return Err(broken("bytes follow the last block"));
        }
        stream[header / 8] &= !(1 << (header % 8));
        let used = end % 8;
        if used != 0 {
            // What is left of the byte has no meaning until now.
            stream[end / 8] &= (1 << used) - 1;
        }
        // Three zero bits are the header of a stored block that is not the last, zero bits fill its byte up.
        if used == 0 || used > 5 {
            stream.push(0);
        }
        stream.extend_from_slice(&[0, 0, 0xff, 0xff]);
        Ok(())
    }

    fn last(&mut self, stream: &[u8]) -> io::Result<Last> {
        let mut bits = Bits { data: stream, at: 0, held: 0, count: 0 };
        loop {
            let header = bits.position();
            bits.refill()?;
            let last = bits.take(1) == 1;
            match bits.take(2) {
                0 => bits.skip_stored()?,
                1 => {
                    self.fixed()?;
                    self.symbols(&mut bits)?;
                }
                2 => {
                    self.dynamic(&mut bits)?;
                    self.symbols(&mut bits)?;
                }
                _ => return Err(broken("a block of type 3")),
            }
            let end = bits.position();
            if end > stream.len() * 8 {
                return Err(broken("it is cut off"));
            }
            if last {
                return Ok(Last { header, end });
            }
        }
    }

    /// The codes of RFC 1951 §3.2.6.
    fn fixed(&mut self) -> io::Result<()> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.codes(&lengths, &[5; 32])
    }

    /// The codes that a block brings with it (RFC 1951 §3.2.7).
    fn dynamic(&mut self, bits: &mut Bits<'_>) -> io::Result<()> {
        bits.refill()?;
        let literals = bits.take(5) + 257;
        let distances = bits.take(5) + 1;
        let given = bits.take(4) + 4;
        if literals > 286 || distances > 30 {
            return Err(broken("more symbols than there are"));
        }
        let mut lengths = [0; 19];
        for place in &ORDER[..given] {
            bits.refill()?;
            lengths[*place] = bits.take(3) as u8;
        }
        self.literals.set(&lengths)?;
        let mut lengths = [0; 286 + 30];
        let (mut at, all) = (0, literals + distances);
        while at < all {
            bits.refill()?;
            let (length, repeat) = match self.literals.symbol(bits)? {
                16 if at == 0 => return Err(broken("a repetition of nothing")),
                16 => (lengths[at - 1], 3 + bits.take(2)),
                17 => (0, 3 + bits.take(3)),
                18 => (0, 11 + bits.take(7)),
                length => (length as u8, 1),
            };
            lengths.get_mut(at..at + repeat).ok_or_else(|| broken("more lengths than symbols"))?.fill(length);
            at += repeat;
        }
        if at > all {
            return Err(broken("more lengths than symbols"));
        }
        self.codes(&lengths[..literals], &lengths[literals..all])
    }

    fn codes(&mut self, literals: &[u8], distances: &[u8]) -> io::Result<()> {
        self.literals.set(literals)?;
        self.distances.set(distances)?;
        self.spans.fill(RARE);
        self.distances.slots(|slots, length, symbol| {
            if let Some(extra) = distance_bits(symbol) {
                slots.for_each(|slot| self.spans[slot] = length + extra);
            }
        });
        // First one symbol for each slot, with the length of its code in the upper byte.
        let mut single = [u16::from(RARE); SLOTS];
        self.literals.slots(|slots, length, symbol| {
            let entry = match symbol {
                ..END => length,
                END => length | STOP | RARE,
                _ => match length_bits(symbol) {
                    Some(extra) => (length + extra) | MATCH,
                    None => return,
                },
            };
            slots.for_each(|slot| single[slot] = u16::from_le_bytes([entry, length]));
        });
        for (slot, run) in self.runs.iter_mut().enumerate() {
            let (mut used, mut flags) = (0, 0);
            while used < LOOKUP && flags == 0 {
                let [entry, length] = single[slot >> used].to_le_bytes();
                // Without a code, or its last bits are not among those looked at.
                if length == 0 || used + u32::from(length) > LOOKUP {
                    flags = if used == 0 { RARE } else { 0 };
                    break;
                }
                used += u32::from(entry & COUNT);
                flags = entry & !COUNT;
            }
            *run = used as u8 | flags;
        }
        Ok(())
    }

    /// Goes to the end of a block of symbols.
    fn symbols(&self, bits: &mut Bits<'_>) -> io::Result<()> {
        loop {
            bits.refill()?;
            let run = self.runs[bits.peek()];
            bits.skip((run & COUNT).into());
            // Whether a match follows is a matter of chance that no processor foresees: so no branch depends on it.
            let span = self.spans[bits.peek()] & if run & MATCH == 0 { 0 } else { !0 };
            bits.skip((span & COUNT).into());
            if (run | span) & RARE != 0 {
                if run & STOP != 0 {
                    return Ok(());
                }
                bits.refill()?;
                if run & MATCH == 0 {
                    match self.literals.symbol(bits)? {
                        ..END => continue,
                        END => return Ok(()),
                        symbol => bits.skip(length_bits(symbol).ok_or_else(|| broken("no such length"))?.into()),
                    }
                }
                let distance = self.distances.symbol(bits)?;
                bits.skip(distance_bits(distance).ok_or_else(|| broken("no such distance"))?.into());
            }
        }
    }
}

/// How many extra bits follow a length (RFC 1951 §3.2.5); `None` for what is none.
fn length_bits(symbol: u16) -> Option<u8> {
    match symbol {
        257..265 | 285 => Some(0),
        265..285 => Some(((symbol - 261) / 4) as u8),
        _ => None,
    }
}

/// How many extra bits follow a distance (RFC 1951 §3.2.5); `None` for what is none.
fn distance_bits(symbol: u16) -> Option<u8> {
    match symbol {
        0..4 => Some(0),
        4..30 => Some((symbol / 2 - 1) as u8),
        _ => None,
    }
}

/// A canonical Huffman code (RFC 1951 §3.2.2).
struct Code {
    /// How many symbols have a code of each length.
    counts: [u16; LONGEST_CODE + 1],
    /// Symbols by their codes.
    symbols: [u16; 288],
}

impl Default for Code {
    fn default() -> Self {
        Self { counts: [0; LONGEST_CODE + 1], symbols: [0; 288] }
    }
}

impl Code {
    /// Makes the code of these lengths, 0 for symbols without one; not every bit pattern needs to be one of a symbol.
    fn set(&mut self, lengths: &[u8]) -> io::Result<()> {
        self.counts = [0; LONGEST_CODE + 1];
        for length in lengths {
            self.counts[usize::from(*length)] += 1;
        }
        self.counts[0] = 0;
        let (mut left, mut next, mut sum) = (1i32, [0; LONGEST_CODE + 1], 0);
        for (length, count) in self.counts.iter().enumerate().skip(1) {
            left = (left << 1) - i32::from(*count);
            if left < 0 {
                return Err(broken("more codes than bits for them"));
            }
            next[length] = sum;
            sum += usize::from(*count);
        }
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
            let place = &mut next[usize::from(*length)];
            self.symbols[*place] = symbol as u16;
            *place += 1;
        }
        Ok(())
    }

    /// Gives for each symbol with a code of at most [`LOOKUP`] bits the slots that begin with it, and the code's length.
    fn slots(&self, mut each: impl FnMut(std::iter::StepBy<std::ops::Range<usize>>, u8, u16)) {
        let (mut code, mut symbols) = (0u32, self.symbols.iter());
        for length in 1..=LOOKUP {
            code <<= 1;
            for symbol in symbols.by_ref().take(self.counts[length as usize].into()) {
                // Codes are written from their highest bit on, everything else from its lowest.
                let first = (code.reverse_bits() >> (32 - length)) as usize;
                each((first..SLOTS).step_by(1 << length), length as u8, *symbol);
                code += 1;
            }
        }
    }

    /// Takes one symbol, bit by bit. At least 15 bits must be held.
    fn symbol(&self, bits: &mut Bits<'_>) -> io::Result<u16> {
        let (mut code, mut first, mut before) = (0usize, 0, 0);
        for count in self.counts[1..].iter().map(|count| usize::from(*count)) {
            code |= bits.take(1);
            if code < first + count {
                return Ok(self.symbols[before + code - first]);
            }
            before += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(broken("bits that are no symbol"))
    }
}

/// The bits of a stream, from the lowest of each byte on.
struct Bits<'a> {
    data: &'a [u8],
    /// The first byte that is not held.
    at: usize,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    /// Holds 56 bits or more: enough for the longest match, 15 + 5 + 15 + 13. Past the end there are zeros, for a while.
    #[inline(always)]
    fn refill(&mut self) -> io::Result<()> {
        match self.data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(word) => {
                // Bits above `count` may be there already: they are the same ones.
                self.held |= u64::from_le_bytes(*word) << self.count;
                self.at += ((63 - self.count) / 8) as usize;
                self.count |= 56;
                Ok(())
            }
            None => self.refill_slowly(),
        }
    }

    #[cold]
    fn refill_slowly(&mut self) -> io::Result<()> {
        while self.count < 56 {
            self.held |= u64::from(self.data.get(self.at).copied().unwrap_or(0)) << self.count;
            self.at += 1;
            self.count += 8;
        }
        if self.at > self.data.len() + 16 { Err(broken("it is cut off")) } else { Ok(()) }
    }

    fn peek(&self) -> usize {
        self.held as usize & (SLOTS - 1)
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.held >>= bits;
        self.count -= bits;
    }

    fn take(&mut self, bits: u32) -> usize {
        let value = self.held as usize & ((1 << bits) - 1);
        self.skip(bits);
        value
    }

    fn position(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// Goes past a stored block (RFC 1951 §3.2.4), of which the header is taken.
    fn skip_stored(&mut self) -> io::Result<()> {
        let start = self.position().div_ceil(8);
        let header = self.data.get(start..).and_then(|rest| rest.first_chunk());
        let [low, high, low_not, high_not] = *header.ok_or_else(|| broken("it is cut off"))?;
        if (low, high) != (!low_not, !high_not) {
            return Err(broken("a stored block of unclear length"));
        }
        *self = Bits { at: start + 4 + usize::from(u16::from_le_bytes([low, high])), held: 0, count: 0, ..*self };
        Ok(())
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the compressor made no deflate stream: {what}"))
}

#[cfg(test)]
mod tests;
