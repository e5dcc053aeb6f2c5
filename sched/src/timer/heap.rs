//! A 4-ary heap of entries: half the levels of a binary one, and the children of a node lie in one or two cache lines.

use super::Entry;
use crate::clock::Nanos;

const ARITY: usize = 4;

/// Entries, each no later than its children `4i + 1 ..= 4i + 4`.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Entry>);

impl Heap {
    pub(super) fn push(&mut self, entry: Entry) {
        self.0.push(entry);
        self.sift_up(self.0.len() - 1);
    }

    /// The first entry.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.0.first()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the first entry if it is due.
    pub(super) fn pop_due(&mut self, now: Nanos) -> Option<Entry> {
        self.first().is_some_and(|entry| entry.when <= now).then(|| self.pop())
    }

    /// Takes all, in no order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> {
        self.0.drain(..)
    }

    /// Takes the first entry of a heap that has one.
    pub(super) fn pop(&mut self) -> Entry {
        let entry = self.0.swap_remove(0);
        self.sift_down(0);
        entry
    }

    /// Drops stale entries.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|entry| entry.claim.is_open());
        for i in (0..self.0.len().div_ceil(ARITY)).rev() {
            self.sift_down(i);
        }
    }

    fn sift_up(&mut self, mut i: usize) {
        while i > 0 {
            let parent = (i - 1) / ARITY;
            if self.0[parent].when <= self.0[i].when {
                return;
            }
            self.0.swap(i, parent);
            i = parent;
        }
    }

    fn sift_down(&mut self, mut i: usize) {
        loop {
            let children = i * ARITY + 1..(i * ARITY + 1 + ARITY).min(self.0.len());
            let Some(least) = children.min_by_key(|&child| self.0[child].when) else { return };
            if self.0[i].when <= self.0[least].when {
                return;
            }
            self.0.swap(i, least);
            i = least;
        }
    }
}

impl IntoIterator for Heap {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sleeper::Sleeper;

    #[test]
    fn entries_come_out_in_order() {
        let mut heap = Heap::default();
        let mut x = 1u64;
        let mut times: Vec<u64> = (0..1000)
            .map(|_| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                x >> 40
            })
            .collect();
        for &when in &times {
            heap.push(Entry { when, claim: Sleeper::this_os_thread().claim() });
        }
        times.sort_unstable();
        assert!(times.into_iter().all(|when| heap.pop().when == when));
    }
}
