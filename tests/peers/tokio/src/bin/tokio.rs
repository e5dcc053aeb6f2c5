//! The peer `tokio`, with glibc's malloc.

fn main() {
    peer_tokio::run("tokio");
}
