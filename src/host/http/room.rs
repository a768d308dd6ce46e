//! Buffers of an upload.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Room for pieces, used again when the connection is done with them: fresh room would be filled with zeros each time.
pub(super) struct Room {
    most: usize,
    /// Oldest first; the connection is done with them in this order.
    lent: VecDeque<Bytes>,
}

impl Room {
    /// Keeps at most so many pieces.
    pub(super) fn of(most: usize) -> Self {
        Self { most, lent: VecDeque::new() }
    }

    /// Room for a piece; what is in it is old.
    pub(super) fn take(&mut self, size: usize) -> BytesMut {
        let oldest = self.lent.pop_front().filter(|oldest| oldest.len() >= size);
        match oldest.map(Bytes::try_into_mut) {
            Some(Ok(mut piece)) => {
                piece.truncate(size);
                return piece;
            }
            Some(Err(in_use)) if self.lent.len() + 1 < self.most => self.lent.push_front(in_use),
            // Of too many, the oldest is forgotten; it goes when the connection is done with it.
            Some(Err(_)) | None => {}
        }
        BytesMut::zeroed(size)
    }

    /// Gives a piece away until its last reader drops it.
    pub(super) fn lend(&mut self, piece: BytesMut) -> Bytes {
        let piece = piece.freeze();
        self.lent.push_back(piece.clone());
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_used_again_when_nobody_reads_it_any_more() {
        let mut room = Room::of(4);
        let mut piece = room.take(100);
        piece.fill(1);
        let sent = room.lend(piece);
        // What is still read is not written to.
        let second = room.take(100);
        assert_eq!((&sent[..], &second[..]), (&[1; 100][..], &[0; 100][..]));
        let second = room.lend(second);
        let first = sent.as_ptr();
        drop(sent);
        let again = room.take(60);
        assert_eq!((again.as_ptr(), again.len()), (first, 60));
        // A piece that was cut is too small for the next one.
        drop(room.lend(again));
        drop(second);
        assert_eq!(room.take(100).len(), 100);
        assert_eq!(room.take(100).len(), 100);
    }

    #[test]
    fn no_more_room_is_kept_than_is_in_use() {
        let mut room = Room::of(4);
        let lent: Vec<Bytes> = (0..20)
            .map(|_| {
                let piece = room.take(10);
                room.lend(piece)
            })
            .collect();
        assert!(room.lent.len() <= 4);
        drop(lent);
    }
}
