//! The check of all that is kept against the bits that it follows from.

use crate::fatal;

use super::{CHUNK, Pages};

impl Pages {
    /// Aborts, with the values, when a summary or a count is not what the bits say. Reads all of them.
    pub(crate) fn verify(&self) {
        let chunks = &self.chunks.as_slice()[..self.total / CHUNK];
        let (mut free, mut released) = (0, 0);
        for (index, chunk) in chunks.iter().enumerate() {
            if let Some(page) = chunk.released.first_outside(&chunk.free) {
                fatal!("page {} is released, and in use", index * CHUNK + page);
            }
            free += chunk.free.count(0..CHUNK);
            released += chunk.released.count(0..CHUNK);
        }
        if (free, released) != (self.free, self.released) {
            fatal!(
                "of {} pages {free} are free, {released} of them released, the counts say {} and {}",
                self.total,
                self.free,
                self.released,
            );
        }
        self.tree.verify(chunks);
        self.idle.verify(chunks);
        // The tree is right, so it may be asked.
        if let Some(page) = self.tree.find(chunks, 1, 0).filter(|&page| page < self.lowest) {
            fatal!("page {page} is free, the lowest one should be {} or above", self.lowest);
        }
    }
}
