//! Cancellation and deadlines: what they end, what they leave alone, and that nothing is lost on the way.

mod deadlines;
mod races;
mod tokens;
mod waits;
