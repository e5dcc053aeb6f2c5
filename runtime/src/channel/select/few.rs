//! A few values on the stack, many on the heap.

/// How many are on the stack.
pub(super) const FEW: usize = 8;

/// As many values as it was made for.
pub(super) struct Few<T> {
    here: [T; FEW],
    there: Vec<T>,
    len: usize,
}

impl<T: Default> Few<T> {
    /// `len` default values.
    #[inline]
    pub(super) fn new(len: usize) -> Few<T> {
        let there = if len <= FEW { Vec::new() } else { std::iter::repeat_with(T::default).take(len).collect() };
        Few { here: Default::default(), there, len }
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.len <= FEW { &mut self.here[..self.len] } else { &mut self.there }
    }
}
