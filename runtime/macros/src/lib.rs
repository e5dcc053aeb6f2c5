//! The attributes of the crate `sward`, which re-exports them: `#[sward::main]` and `#[sward::test]`.
//!
//! Both turn a function into one that hands its body to the runtime. What may stand in the attribute's parentheses is
//! read in `options`; what function it may stand on, and what becomes of it, is in `entry`.

mod entry;
mod options;
mod settings;

use entry::Kind;
use proc_macro::TokenStream;

/// Runs `main` on a green thread, and makes sward's heap the program's allocator.
///
/// ```standalone_crate
/// #[sward::main]
/// fn main() {
///     let green = sward::spawn(|| 6 * 7);
///     assert_eq!(green.join().unwrap(), 42);
/// }
/// ```
///
/// `main` may return whatever it may without the attribute, and need not be able to go to another thread for that. When
/// it returns the process ends, whatever other green threads do.
///
/// # Options
/// * `procs = 4`: how many green threads run at the same moment, from 1 to 1024.
/// * `stack_size = "64K"`: the size of a green thread's stack, from `16K` to `1G`: bytes, or with suffix `K`, `M` or
///   `G`; rounded up to a power of two.
/// * `heap = false`: leaves the allocator as it is.
///
/// A program can have one allocator. Where it has chosen one by a `#[global_allocator]` of its own, or a library has, the compiler says "cannot define
/// multiple global allocators", or that the one in this crate conflicts with that library's: write `heap = false` then. Nothing else depends on it.
///
/// The environment is over the options: `SWARD_PROCS` and `SWARD_STACK` win, if they are set. When a variable is
/// malformed, the program says so and exits with code 2.
///
/// ```standalone_crate
/// #[sward::main(procs = 2, stack_size = "64K")]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let number: u32 = "42".parse()?;
///     assert_eq!(number, 42);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Main, options.into(), function.into()).into()
}

/// Makes a function a test whose body runs on a green thread.
///
/// It stands where `#[test]` would. `#[ignore]`, `#[should_panic]` and other attributes work as usual, and so does
/// returning a `Result`.
///
/// ```
/// #[sward::test]
/// fn adds() {
///     let green = sward::spawn(|| 1 + 1);
///     assert_eq!(green.join().unwrap(), 2);
/// }
///
/// #[sward::test(procs = 1)]
/// fn parses() -> Result<(), std::num::ParseIntError> {
///     assert_eq!("42".parse::<u32>()?, 42);
///     Ok(())
/// }
/// ```
///
/// # Options
/// `procs` and `stack_size`, as for [`main`](macro@main). The runtime is one per process: of the tests in one program,
/// the first to run sets it up. The allocator stays as it is: a program of tests that is to run on sward's heap has this, once:
///
/// ```
/// #[cfg(test)]
/// #[global_allocator]
/// static HEAP: sward::Heap = sward::Heap;
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Test, options.into(), function.into()).into()
}
