//! What is signed: bytes that are at hand, or bytes that are read again whenever they are needed, so that memory does not
//! grow with them.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::digest::{Digest, Hasher};
use crate::key::KeyError;

/// The longest message of which all bytes are held at once, in bytes.
pub(crate) const MAX_WHOLE: u64 = 1 << 30;

/// Bytes that lie elsewhere and can be read from their beginning as often as they are wanted.
pub trait Pieces: Send + Sync {
    /// Hands on piece after piece, until there are no more or no more are wanted.
    ///
    /// # Errors
    /// [`Unread`] when something cannot be read; whoever reads knows why, and says so.
    fn each(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unread>;
}

/// Not everything could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

/// Something to be signed, by its digest and its bytes.
#[derive(Clone)]
pub struct Message<'a> {
    digest: Digest,
    size: u64,
    bytes: Bytes<'a>,
}

/// Where the bytes of a message are.
#[derive(Clone)]
pub enum Bytes<'a> {
    /// At hand.
    Here(&'a [u8]),
    /// Somewhere else, and perhaps changed since they were measured.
    There(Arc<dyn Pieces>),
}

impl<'a> Message<'a> {
    /// Bytes that are at hand.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64, bytes: Bytes::Here(bytes) }
    }

    /// Bytes that were measured, and lie elsewhere.
    pub fn measured(digest: Digest, size: u64, pieces: Arc<dyn Pieces>) -> Self {
        Self { digest, size, bytes: Bytes::There(pieces) }
    }

    /// The digest of all its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where its bytes are.
    pub fn bytes(&self) -> &Bytes<'a> {
        &self.bytes
    }

    /// Reads it from its beginning to its end.
    ///
    /// # Errors
    /// `key.message-changed` when it cannot be read, or is not what was measured; what was taken until then is worth nothing.
    pub fn read(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), KeyError> {
        let pieces = match &self.bytes {
            Bytes::Here(bytes) => {
                take(bytes);
                return Ok(());
            }
            Bytes::There(pieces) => pieces,
        };
        let mut hasher = Hasher::new();
        let read = pieces.each(&mut |piece| {
            hasher.update(piece);
            take(piece);
            ControlFlow::Continue(())
        });
        let is_same = read.is_ok() && hasher.finish() == (self.digest, self.size);
        if is_same { Ok(()) } else { Err(KeyError::MessageChanged) }
    }

    /// All its bytes, where a library takes nothing less.
    ///
    /// # Errors
    /// `key.message-too-long` above [`MAX_WHOLE`], and those of [`Self::read`].
    pub(crate) fn whole(&self) -> Result<Cow<'a, [u8]>, KeyError> {
        if let Bytes::Here(bytes) = self.bytes {
            return Ok(Cow::Borrowed(bytes));
        }
        let room = usize::try_from(self.size).ok().filter(|_| self.size <= MAX_WHOLE);
        let mut whole = Vec::with_capacity(room.ok_or(KeyError::MessageTooLong { found: self.size })?);
        // A file that grew meanwhile is refused at the end, and takes no more memory than was measured.
        self.read(&mut |piece| whole.extend_from_slice(&piece[..piece.len().min(whole.capacity() - whole.len())]))?;
        Ok(Cow::Owned(whole))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A message in pieces of a few bytes, which reads as another one from the given time on.
    pub(crate) struct Told {
        pub(crate) first: Vec<u8>,
        pub(crate) later: Vec<u8>,
        pub(crate) changes_at: usize,
        pub(crate) times: AtomicUsize,
    }

    impl Pieces for Told {
        fn each(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unread> {
            let is_first = self.times.fetch_add(1, Ordering::SeqCst) < self.changes_at;
            let bytes = if is_first { &self.first } else { &self.later };
            let stopped = bytes.chunks(7).try_for_each(take);
            if stopped.is_break() { Err(Unread) } else { Ok(()) }
        }
    }

    /// A message that stays what it is, in pieces.
    pub(crate) fn told(bytes: &[u8]) -> Message<'static> {
        changing(bytes, bytes, usize::MAX)
    }

    /// One that is another after some times.
    pub(crate) fn changing(first: &[u8], later: &[u8], changes_at: usize) -> Message<'static> {
        let (first, later) = (first.to_vec(), later.to_vec());
        let (digest, size) = (Digest::of(&first), first.len() as u64);
        Message::measured(digest, size, Arc::new(Told { first, later, changes_at, times: AtomicUsize::new(0) }))
    }

    #[test]
    fn what_is_read_is_what_was_measured() {
        let text = b"a text that comes in some pieces";
        for message in [Message::of(text), told(text)] {
            let mut read = Vec::new();
            message.read(&mut |piece| read.extend_from_slice(piece)).expect("it stays what it is");
            assert_eq!((&read[..], message.size()), (&text[..], text.len() as u64));
            assert_eq!(message.digest(), Digest::of(text));
            assert_eq!(message.whole().expect("it is short")[..], text[..]);
        }
        for other in [&b""[..], b"a text that comes in some piecet", b"a text that comes in some pieces."] {
            let message = changing(text, other, 0);
            assert_eq!(message.read(&mut |_| ()), Err(KeyError::MessageChanged), "{other:?}");
            assert_eq!(message.whole(), Err(KeyError::MessageChanged), "{other:?}");
        }
        let long = Message::measured(Digest::of(text), MAX_WHOLE + 1, Arc::new(Never));
        assert_eq!(long.whole(), Err(KeyError::MessageTooLong { found: MAX_WHOLE + 1 }));
        assert_eq!(long.read(&mut |_| ()), Err(KeyError::MessageChanged));
    }

    /// Cannot be read.
    struct Never;

    impl Pieces for Never {
        fn each(&self, _: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unread> {
            Err(Unread)
        }
    }
}
