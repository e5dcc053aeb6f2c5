//! The built-in detector of happens-before.

use super::Thread;
use crate::g::G;

/// What the detector keeps of a G.
#[derive(Debug, Default)]
pub(crate) struct OfG;

/// What the detector keeps of a P.
#[derive(Debug, Default)]
pub(crate) struct OfP;

/// How many races have been reported.
pub fn reports() -> usize {
    0
}

pub(crate) fn acquire(_thread: Thread, _object: usize) {}
pub(crate) fn release(_thread: Thread, _object: usize) {}
pub(crate) fn release_store(_thread: Thread, _object: usize) {}
pub(crate) fn hand_over(_thread: Thread, _object: usize) {}
pub(crate) fn read(_thread: Thread, _place: usize, _bytes: usize) {}
pub(crate) fn write(_thread: Thread, _place: usize, _bytes: usize) {}
pub(crate) fn forget(_thread: Thread, _place: usize, _bytes: usize) {}
pub(crate) fn spawned(_thread: Thread, _g: &'static G) {}
pub(crate) fn ended(_thread: Thread) {}
pub(crate) fn joined(_thread: Thread, _g: &'static G) {}
