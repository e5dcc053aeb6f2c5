//! Threads as C makes them: without anything of Rust's standard library around what they run.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::OnceLock;

/// A thread made by `pthread_create`.
#[derive(Debug)]
#[must_use = "a thread that is neither joined nor detached is leaked"]
pub struct CThread(libc::pthread_t);

/// What a thread runs.
type Run = Box<dyn FnOnce() + Send>;

/// Bytes of its stack.
const STACK: usize = 256 << 10;

impl CThread {
    /// Starts one that runs `f`.
    pub fn spawn(f: impl FnOnce() + Send + 'static) -> CThread {
        let run: Box<Run> = Box::new(Box::new(f));
        let mut attributes = mem::MaybeUninit::uninit();
        let mut thread = mem::MaybeUninit::uninit();
        // SAFETY: attributes that are made, used and destroyed; the argument is a `Box<Run>`, as `begin` expects.
        unsafe {
            assert_eq!(libc::pthread_attr_init(attributes.as_mut_ptr()), 0);
            assert_eq!(libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK), 0);
            let argument = Box::into_raw(run).cast();
            let made = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), begin, argument);
            assert_eq!(made, 0, "a thread");
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            CThread(thread.assume_init())
        }
    }

    /// Waits for its end, as C does: the OS thread that calls this blocks.
    pub fn join(self) {
        // SAFETY: it has been neither joined nor detached.
        assert_eq!(unsafe { libc::pthread_join(self.0, ptr::null_mut()) }, 0);
    }

    /// Leaves it to itself.
    pub fn detach(self) {
        // SAFETY: it has been neither joined nor detached.
        assert_eq!(unsafe { libc::pthread_detach(self.0) }, 0);
    }

    /// Its name to the C library.
    pub fn id(&self) -> libc::pthread_t {
        self.0
    }

    /// Runs `f` at the end of the calling OS thread, when Rust's thread-locals are gone: as the destructor of a `pthread_key_t`.
    pub fn at_end(f: impl FnOnce() + Send + 'static) {
        static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
        unsafe extern "C" fn run(value: *mut c_void) {
            begin(value);
        }
        let key = *KEY.get_or_init(|| {
            let mut key = 0;
            // SAFETY: makes a key.
            assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(run)) }, 0);
            key
        });
        let run: Box<Run> = Box::new(Box::new(f));
        // SAFETY: the key has been made; its destructor expects a `Box<Run>`.
        assert_eq!(unsafe { libc::pthread_setspecific(key, Box::into_raw(run).cast()) }, 0);
    }
}

extern "C" fn begin(run: *mut c_void) -> *mut c_void {
    // SAFETY: made from a `Box<Run>`, and taken once.
    let run = unsafe { Box::from_raw(run.cast::<Run>()) };
    run();
    ptr::null_mut()
}
