//! The peer `glibc`: what a Rust program has when it says nothing.

fn main() {
    peer_malloc::run("glibc");
}
