//! The detector's rules, without a runtime.

mod clocks;
mod reports;
mod rules;
mod slots;
