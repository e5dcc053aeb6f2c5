//! What of the machine's memory this process takes.

/// How much of this process is in memory.
pub fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// How much of this process has been in memory at most.
pub fn peak_resident_bytes() -> u64 {
    status_bytes("VmHWM:")
}

/// The amount of memory that the kernel has under `name` for this process.
fn status_bytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok()).expect("sizes are numbers of kB") * 1024
}
