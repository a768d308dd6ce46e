//! The two output streams. Nothing else of sealift writes to them.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::veil::Veil;
use crate::error::{Fault, Kind};

/// The product could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Writing to stdout failed, and not because its reader has left.
    #[error("cannot write the result to stdout")]
    Stdout(#[source] io::Error),
    /// The printing thread ended early.
    #[error("the console stopped before the command ended")]
    Stopped,
}

impl Fault for ConsoleError {
    fn code(&self) -> &'static str {
        match self {
            Self::Stdout(_) => "console.stdout",
            Self::Stopped => "console.stopped",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Stdout(_) => Kind::Tool,
            Self::Stopped => Kind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Stdout(_) => Some("send stdout where there is space, and run the same command again".into()),
            Self::Stopped => Some("run the same command with --json, and report what it prints".into()),
        }
    }
}

/// One stream. The first write that fails ends it: a reader that has left (`sealift … | head`) is no mistake and is
/// forgotten, any other error is kept.
#[derive(Clone)]
pub struct Stream {
    state: Arc<Mutex<State>>,
    veil: Arc<Veil>,
}

struct State {
    writer: Option<Box<dyn Write + Send>>,
    fault: Option<io::Error>,
}

impl Stream {
    /// Writes to anything.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let state = State { writer: Some(Box::new(writer)), fault: None };
        Self { state: Arc::new(Mutex::new(state)), veil: Arc::default() }
    }

    /// Hides secrets in what is written.
    #[must_use]
    pub fn under(self, veil: &Veil) -> Self {
        Self { veil: Arc::new(veil.clone()), ..self }
    }

    /// Writes and flushes. Nothing may be cut in two between two calls but at a line's end: a secret would not be seen.
    pub fn write(&self, text: &str) {
        let mut state = self.state();
        let Some(writer) = &mut state.writer else { return };
        if let Err(error) = writer.write_all(self.veil.hide(text).as_bytes()).and_then(|()| writer.flush()) {
            state.writer = None;
            if error.kind() != io::ErrorKind::BrokenPipe {
                state.fault = Some(error);
            }
        }
    }

    /// What went wrong, once.
    pub fn take_fault(&self) -> Option<io::Error> {
        self.state().fault.take()
    }

    // A panic elsewhere must not silence the message about it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// Both streams.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The product.
    pub stdout: Stream,
    /// The conversation.
    pub stderr: Stream,
    /// How wide the terminal behind stderr is now.
    pub columns: fn() -> usize,
}

impl Streams {
    /// The process's own, under a veil.
    pub fn real(veil: &Veil) -> Self {
        Self {
            stdout: Stream::new(io::stdout()).under(veil),
            stderr: Stream::new(io::stderr()).under(veil),
            columns: terminal_columns,
        }
    }
}

/// The width of the terminal behind stderr; 80 where it cannot be known.
fn terminal_columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr())
        && size.ws_col > 0
    {
        return usize::from(size.ws_col);
    }
    80
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_fault_and_a_full_disk_is_one() {
        let left = Stream::new(Broken(io::ErrorKind::BrokenPipe));
        left.write("a\n");
        left.write("b\n");
        assert!(left.take_fault().is_none());
        let full = Stream::new(Broken(io::ErrorKind::StorageFull));
        full.write("a\n");
        assert_eq!(full.take_fault().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    }
}
