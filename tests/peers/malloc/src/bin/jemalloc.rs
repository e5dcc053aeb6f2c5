//! The peer `jemalloc`, with its default options.

#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    peer_malloc::run("jemalloc");
}
