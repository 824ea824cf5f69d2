//! Memory, counted where it is asked for.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

/// The system's allocator, which counts while somebody asks.
pub struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn grows(by: usize) {
    if COUNTS.load(Relaxed) {
        // Wraps below zero where something is freed that was not counted.
        let now = NOW.fetch_add(by, Relaxed).wrapping_add(by);
        if now < usize::MAX / 2 {
            MOST.fetch_max(now, Relaxed);
        }
    }
}

fn shrinks(by: usize) {
    if COUNTS.load(Relaxed) {
        NOW.fetch_sub(by, Relaxed);
    }
}

// SAFETY: each call is the system allocator's, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grows(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        shrinks(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrinks(layout.size());
        grows(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// The most bytes that are in use at once while a piece is made.
pub fn most<R>(piece: impl FnOnce() -> R) -> usize {
    NOW.store(0, Relaxed);
    MOST.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    let made = piece();
    COUNTS.store(false, Relaxed);
    drop(made);
    MOST.load(Relaxed)
}
