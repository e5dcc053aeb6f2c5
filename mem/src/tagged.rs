//! A pointer and a number in one word, so that both change at once.
//!
//! What is pointed at is aligned to 64 bytes and lies in the lower 2^48, where Linux maps everything that does not ask for more. That leaves
//! 22 bits of the word for the number, which therefore counts modulo 2^22.

/// How many numbers there are.
pub(crate) const TAGS: u64 = 1 << (HIGH + LOW);

/// Bits above an address.
const HIGH: u32 = 16;
/// Bits below it.
const LOW: u32 = 6;
const ADDRESS: usize = (1 << (usize::BITS - HIGH)) - (1 << LOW);

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Tagged<T>(*mut T);

impl<T> Tagged<T> {
    /// A pointer, which may be null, with a number, of which the low 22 bits are kept.
    pub(crate) fn new(pointer: *const T, tag: u64) -> Self {
        const { assert!(align_of::<T>() >= 1 << LOW) };
        assert!(
            pointer.addr() & !ADDRESS == 0,
            "{pointer:p} cannot be tagged: only 64-byte aligned addresses below 2^48 can"
        );
        let (high, low) = (tag >> LOW, tag & ((1 << LOW) - 1));
        let bits = (high << (u64::BITS - HIGH) | low) as usize;
        Tagged(pointer.cast_mut().map_addr(|address| address | bits))
    }

    /// What [`word`](Self::word) returned.
    pub(crate) fn from_word(word: *mut T) -> Self {
        Tagged(word)
    }

    /// As it is kept in an `AtomicPtr`. Nobody may follow it.
    pub(crate) fn word(&self) -> *mut T {
        self.0
    }

    /// The pointer.
    pub(crate) fn pointer(&self) -> *mut T {
        self.0.map_addr(|bits| bits & ADDRESS)
    }

    /// The number, below [`TAGS`].
    pub(crate) fn tag(&self) -> u64 {
        let bits = self.0.addr() as u64;
        bits >> (u64::BITS - HIGH) << LOW | bits & ((1 << LOW) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[repr(align(64))]
    struct Line;

    #[test]
    fn pointer_and_number_come_back() {
        for pointer in [ptr::null(), 128 as *const Line, ((1u64 << 48) - 64) as *const Line, &Line] {
            for tag in [0, 1, 63, 64, TAGS - 1, TAGS, TAGS + 64, u64::MAX] {
                let tagged = Tagged::from_word(Tagged::new(pointer, tag).word());
                assert_eq!((tagged.pointer().cast_const(), tagged.tag()), (pointer, tag % TAGS));
            }
        }
    }

    #[test]
    #[should_panic(expected = "cannot be tagged")]
    fn no_address_of_more_bits() {
        Tagged::new((1u64 << 48) as *const Line, 0);
    }
}
