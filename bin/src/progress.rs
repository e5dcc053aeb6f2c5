//! Progress bars for long work: drawn on standard error when that is a terminal, otherwise nothing at all.
//!
//! The bars have no colours, and none is drawn from a timer thread: a bar moves when the work does.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for work that is measured in bytes.
pub fn bytes(total: u64) -> ProgressBar {
    bar(total, "{wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left")
}

/// A bar for work that is counted in steps.
pub fn steps(total: u64) -> ProgressBar {
    bar(total, "{wide_bar} {human_pos} of {human_len}, {eta} left")
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    ProgressBar::new(total).with_style(style)
}
