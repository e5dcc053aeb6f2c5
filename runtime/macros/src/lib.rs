//! The attributes of the crate `sward`, which re-exports them: `#[sward::main]` and `#[sward::test]`, and `#[sward::ffi::import]`.
//!
//! The first two turn a function into one that hands its body to the runtime. What may stand in the attribute's parentheses is
//! read in `options`; what function it may stand on, and what becomes of it, is in `entry`.
//!
//! The third turns a block of foreign functions into functions that call them from green threads: `import`.

mod entry;
mod import;
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

/// Makes the functions of an `unsafe extern "C"` block ones that a green thread may call.
///
/// ```
/// use std::ffi::{c_int, c_uint};
/// use sward::ffi;
///
/// #[ffi::import]
/// unsafe extern "C" {
///     /// Sleeps, in microseconds.
///     safe fn usleep(us: c_uint) -> c_int;
/// }
///
/// // Other green threads go on meanwhile.
/// assert_eq!(sward::run(|| usleep(1000)), 0);
/// ```
///
/// Each function becomes one of Rust's with the same name, arguments, visibility, documentation and attributes, which calls the foreign one by
/// `ffi::call`; and with `#[ffi::import(quick)]` by `ffi::quick`, for functions that return within microseconds:
///
/// ```
/// use std::ffi::{CStr, c_char, c_int};
/// use sward::ffi;
///
/// #[ffi::import(quick)]
/// unsafe extern "C" {
///     #[link_name = "strlen"]
///     fn length(text: *const c_char) -> usize;
///     safe fn abs(number: c_int) -> c_int;
/// }
///
/// assert_eq!(abs(-7), 7);
/// // SAFETY: it is a string of C's.
/// assert_eq!(unsafe { length(c"seven".as_ptr()) }, 5);
/// ```
///
/// A function is `unsafe` to call unless it is declared a `safe fn`. Statics in the block stay what they are, and so do the block's own attributes, `#[link]`
/// above all. A function that is to be passed to C as a pointer is declared in a block without this attribute.
///
/// # The check
/// Before the call the arguments are checked: memory that C is passed may not hold pointers to collected objects that are not pinned. A violation ends the
/// process with a message. `SWARD_FFICHECK=0` switches that off. What is looked at follows from how the type of the argument is written:
///
/// | type | what may hold no such pointer |
/// |---|---|
/// | `&T`, `&mut T` | the `T` |
/// | `*const T`, `*mut T`, `NonNull<T>` | what is there from the `T` on to the end of its block, in a collected object all of it, elsewhere the `T` |
/// | `*const c_void`, `*mut c_void` | the block or the collected object that it points into |
/// | numbers, pointers to numbers and to text, functions | – |
/// | any other: a struct, an alias of any of these | what each word in it points to, as `c_void` |
///
/// An `Option` around a reference or a `NonNull` changes nothing. As long as the program has no collected objects, all of that is a load and a branch.
///
/// # Errors of the compiler
/// Functions with any number of arguments are refused: what is passed to them can't be passed on. So are other ABIs than `"C"` and `"system"`, and
/// those with `-unwind`.
///
/// ```compile_fail
/// #[sward::ffi::import]
/// unsafe extern "C" {
///     fn printf(format: *const std::ffi::c_char, ...) -> std::ffi::c_int;
/// }
/// ```
///
/// Declare such a function in another block, and write one that takes the arguments you need:
///
/// ```
/// use std::ffi::{CStr, c_char, c_int};
/// use sward::ffi;
///
/// fn print_number(number: c_int) {
///     unsafe extern "C" {
///         fn printf(format: *const c_char, ...) -> c_int;
///     }
///     // SAFETY: the format asks for one number of this type.
///     ffi::call(|| unsafe { printf(c"%d\n".as_ptr(), number) });
/// }
/// # print_number(7);
/// ```
#[proc_macro_attribute]
pub fn import(options: TokenStream, block: TokenStream) -> TokenStream {
    import::expand(options.into(), block.into()).into()
}
