//! How much memory one input takes, counted where it is asked for: libFuzzer looks at the process once a second, and
//! would miss a peak, or blame the next input for it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The most that one input may hold at once, in bytes.
const MOST: usize = 256 << 20;

/// The system's allocator, counting what the thread of the target holds.
pub struct Counted;

thread_local! {
    /// Bytes held since the input began; `None` outside of one.
    static HELD: Cell<Option<isize>> = const { Cell::new(None) };
}

/// Runs one input with its memory counted.
pub fn within(run: impl FnOnce()) {
    HELD.set(Some(0));
    run();
    HELD.set(None);
}

/// Adds what is taken or given back. Where it is too much the process ends at once, with the input in libFuzzer's hands.
fn count(bytes: isize) {
    let Some(held) = HELD.get() else { return };
    let held = held + bytes;
    HELD.set(Some(held));
    if held > MOST as isize {
        HELD.set(None);
        // An allocator must not unwind; libFuzzer keeps the input of a process that aborts.
        eprintln!("one input holds {held} bytes of memory, more than {MOST}");
        std::process::abort();
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's own promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's own promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's own promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's own promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
