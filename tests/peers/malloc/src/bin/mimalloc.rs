//! The peer `mimalloc`, with its default options.

#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    peer_malloc::run("mimalloc");
}
