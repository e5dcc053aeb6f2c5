//! The peer `tokio-je`, with jemalloc.

#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    peer_tokio::run("tokio-je");
}
