//! The peer `sward-heap`: this project's allocator, without its runtime.

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

fn main() {
    peer_malloc::run("sward-heap");
}
