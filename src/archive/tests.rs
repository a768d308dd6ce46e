/// Bytes that nothing compresses, the same on every run (xorshift64*).
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        out.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    out.truncate(size);
    out
}

/// Bytes that compress about as a program does, the same on every run.
pub(super) fn golden_input(size: usize) -> Vec<u8> {
    let words = noise(size / 4 + 64);
    let mut out = Vec::with_capacity(size + 64);
    for pair in words.chunks_exact(2) {
        if out.len() >= size {
            break;
        }
        let back = usize::from(pair[0]) * 37 + 40;
        let length = usize::from(pair[1] % 24);
        if pair[1] < 200 && out.len() > back {
            let from = out.len() - back;
            out.extend_from_within(from..from + length.min(back));
        }
        out.extend_from_slice(&[pair[0], pair[1] & 15]);
    }
    out.resize(size, 7);
    out
}
