//! Birth and end of a green thread: the closure that goes in, the result that comes out.
//!
//! Both lie in the **packet**, one after the other. Up to [`INLINE_PACKET`] bytes it is part of the G, so spawning allocates
//! nothing; a larger one is one block of the heap. When the G first runs, the closure is moved to its stack; when it ends, the
//! result is moved to the packet.
//!
//! Who takes the result is settled by one word, see [`join`](crate::join).

use std::alloc::{self, Layout};
use std::any::Any;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::panic::{self, AssertUnwindSafe, Location};
use std::ptr;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::g::{self, G, GRef, INLINE_PACKET};
use crate::join::Waits;
use crate::p::{self, P};
use crate::race;
use crate::reason::Reason;
use crate::sched::sched;
use crate::section::Section;
use crate::sleeper::Sleeper;
use crate::status::State;
use sward_mem::fatal;

/// What a thread leaves: its value, or the payload of its panic.
pub type Outcome<T> = Result<T, Box<dyn Any + Send + 'static>>;

/// What a spawner may ask for.
#[derive(Debug, Default)]
pub struct Birth {
    /// The thread's name.
    pub name: Option<Box<str>>,
    /// Bytes of stack, rounded up to a power of two; the runtime's default where `None`.
    ///
    /// At most [`MAX_STACK`](crate::MAX_STACK): the spawner has checked it.
    pub stack_size: Option<usize>,
}

/// The closures before the thread has begun, its outcome after it has ended.
union Packet<F, E, T> {
    closures: ManuallyDrop<(F, E)>,
    outcome: ManuallyDrop<Outcome<T>>,
}

/// Starts a green thread that runs `f`.
///
/// # Safety
/// What `f` and its result borrow must live until the thread has ended: the caller joins it before, or both are `'static`.
///
/// # Panics
/// If the runtime has not been started.
#[track_caller]
pub unsafe fn spawn<F, T>(birth: Birth, f: F) -> Handle<T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    // SAFETY: the caller's promise.
    unsafe { spawn_with_end(birth, f, || ()) }
}

/// As [`spawn`]; `end` is the last that runs on the thread, after its result has been left to the handle, or been dropped.
///
/// # Safety
/// What `f` and its result borrow must live until `end` is called. `end` does not panic.
///
/// # Panics
/// If the runtime has not been started.
#[track_caller]
pub unsafe fn spawn_with_end<F, E, T>(birth: Birth, f: F, end: E) -> Handle<T>
where
    F: FnOnce() -> T + Send,
    E: FnOnce() + Send,
    T: Send,
{
    let spawned_at = Location::caller();
    let sched = sched();
    let shift = match birth.stack_size {
        Some(bytes) => crate::stack::shift_for(bytes).expect("the spawner has checked the stack size"),
        None => sched.stack_shift,
    };
    let section = Section::enter();
    let p = section.p();
    let (g, id) = match p {
        Some(p) => (p.take_g(), p.take_id()),
        None => (g::take_one_free(), p::take_ids(1)),
    };
    g.christen(id, birth.name, shift, spawned_at);
    // SAFETY: nobody else knows this G.
    unsafe { put_packet::<F, E, T>(g, (f, end)) };
    g.join.reset();
    g.token.consume();
    race::hook_in(&section, |race| race.spawned(g));
    // One for the thread itself, one for the handle. Release pairs with `GRef::try_new`.
    g.references.store(2, Ordering::Release);
    g.status.transition(g.status.load(), State::Runnable);
    match p {
        Some(p) => {
            P::count(&p.spawned);
            // SAFETY: the section keeps the P.
            unsafe { p.owner() }.queue.push_fresh(g);
            sched.wake_if_idle();
        }
        None => {
            // Relaxed: a count that matters when nothing runs.
            sched.spawned_outside.fetch_add(1, Ordering::Relaxed);
            sched.push_global(g);
        }
    }
    Handle { g: GRef::adopt(g), outcome: PhantomData }
}

/// Moves the closures into the packet.
///
/// # Safety
/// `g` is known to the caller only.
unsafe fn put_packet<F: FnOnce() -> T, E: FnOnce(), T>(g: &'static G, closures: (F, E)) {
    let layout = Layout::new::<Packet<F, E, T>>();
    let inline = layout.size() <= INLINE_PACKET && layout.align() <= align_of::<u64>();
    let place = if inline {
        g.packet_layout.set(Layout::new::<()>());
        g.inline_packet.get().cast::<u8>()
    } else {
        g.packet_layout.set(layout);
        // SAFETY: a packet that does not fit inline has a size.
        let block = unsafe { alloc::alloc(layout) };
        if block.is_null() {
            alloc::handle_alloc_error(layout);
        }
        block
    };
    g.packet.set(place);
    g.run.set(run::<F, E, T>);
    // SAFETY: the place has the layout of a packet and is the caller's.
    unsafe { place.cast::<Packet<F, E, T>>().write(Packet { closures: ManuallyDrop::new(closures) }) };
}

/// What a green thread does from beginning to end.
///
/// # Safety
/// `g` is the caller's own G, and its packet holds an `F` and an `E`.
unsafe fn run<F: FnOnce() -> T, E: FnOnce(), T>(g: &'static G) {
    let packet = g.packet.get().cast::<Packet<F, E, T>>();
    // SAFETY: the packet holds the closures, and is not looked at again before the outcome is in it.
    let (f, end) = ManuallyDrop::into_inner(unsafe { ptr::read(&raw const (*packet).closures) });
    let outcome = panic::catch_unwind(AssertUnwindSafe(f));
    // SAFETY: the packet is still the thread's own.
    unsafe { (&raw mut (*packet).outcome).write(ManuallyDrop::new(outcome)) };
    // SAFETY: the user's code is done, and with it every use of the values.
    unsafe { g.locals.clear() };
    race::hook(|race| race.ended());
    match g.join.end() {
        Waits::Nobody => {}
        Waits::Detached => {
            // SAFETY: the handle is gone, so the outcome is the thread's own.
            let unwanted = unsafe { take_outcome::<T>(g) };
            if panic::catch_unwind(AssertUnwindSafe(|| drop(unwanted))).is_err() {
                fatal!("the result of green thread {} panicked in its drop", g.id());
            }
            // SAFETY: as above. Only that drop could have made new ones.
            unsafe { g.locals.clear() };
        }
        // SAFETY: it waits, and was taken out of the word.
        Waits::Joiner(joiner) => unsafe { joiner.wake(&Section::enter()) },
        Waits::Task(waker) => {
            if panic::catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
                fatal!("the waker of the task that awaits green thread {} panicked", g.id());
            }
            // SAFETY: as above. Only that wake could have made new ones.
            unsafe { g.locals.clear() };
        }
    }
    end();
}

/// Takes the outcome out of a packet, and frees the packet.
///
/// # Safety
/// The thread has ended with a `T`, and the outcome belongs to the caller.
unsafe fn take_outcome<T>(g: &'static G) -> Outcome<T> {
    // Where in the packet the outcome lies does not depend on the closure: a union's fields begin at its address.
    // SAFETY: by the caller's promise an outcome lies there, and is taken once.
    let outcome = unsafe { g.packet.get().cast::<Outcome<T>>().read() };
    let layout = g.packet_layout.get();
    if layout.size() != 0 {
        // SAFETY: allocated in `put_packet` with this layout.
        unsafe { alloc::dealloc(g.packet.get(), layout) };
    }
    outcome
}

/// The right to a green thread's outcome. Dropping it detaches the thread.
#[derive(Debug)]
pub struct Handle<T> {
    g: GRef,
    outcome: PhantomData<T>,
}

// SAFETY: a handle gives access to the thread's result, which is `Send`, and to its `GRef`.
unsafe impl<T: Send> Send for Handle<T> {}
// SAFETY: a shared handle gives access to the `GRef` only.
unsafe impl<T> Sync for Handle<T> {}

impl<T> Handle<T> {
    /// Waits until the thread has ended, and takes its outcome.
    pub fn join(self) -> Outcome<T> {
        let g = self.g.g();
        drop(g.join.take_waker());
        let section = Section::enter();
        if g.join.is_done() {
            drop(section);
        } else {
            let me = Sleeper::current(&section);
            section.park(Reason::Join, move || g.join.leave_joiner(me));
        }
        race::hook(|race| race.joined(g));
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle is not dropped, so its reference is moved out once; the thread has ended, so the outcome is the handle's.
        unsafe {
            let _reference = ptr::read(&raw const this.g);
            take_outcome(g)
        }
    }

    /// Whether the thread has ended; if not, it will wake the task of `context`, and no other, when it has.
    pub fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let join = &self.g.g().join;
        let mut waker = join.take_waker();
        if join.is_done() {
            race::hook(|race| race.joined(self.g.g()));
            return Poll::Ready(());
        }
        match &mut waker {
            Some(waker) => (**waker).clone_from(context.waker()),
            None => waker = Some(Box::new(context.waker().clone())),
        }
        match waker.map(|waker| join.leave_waker(waker)) {
            Some(Ok(())) => Poll::Pending,
            _ => {
                race::hook(|race| race.joined(self.g.g()));
                Poll::Ready(())
            }
        }
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.g.g().join.is_done()
    }

    /// The thread.
    pub fn thread(&self) -> &GRef {
        &self.g
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let g = self.g.g();
        drop(g.join.take_waker());
        if !g.join.detach() {
            // SAFETY: only the handle could have joined, so the thread has ended and left its outcome to the handle.
            let unwanted = unsafe { take_outcome::<T>(g) };
            // That it had ended by now was luck, and orders nothing but the drop of what it has left.
            if mem::needs_drop::<T>() || unwanted.is_err() {
                race::hook(|race| race.joined(g));
            }
            drop(unwanted);
        }
    }
}
