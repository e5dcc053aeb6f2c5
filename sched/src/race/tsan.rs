//! ThreadSanitizer: tells it of each switch of stacks, and passes the hooks on to it.
