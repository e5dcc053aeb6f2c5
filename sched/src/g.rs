//! G: a green thread.
//!
//! A G is a small record, apart from its stack: it takes a stack when it first runs and loses it when it ends, so a thread
//! that has not begun costs a few hundred bytes. Gs are type-stable: made in chunks, reused, never freed, so that a stale
//! pointer (in a timer heap, in a dump that walks all of them) still points to a G.
//!
//! # Who may touch what
//! - `status` is the arbiter, see [`status`](crate::status).
//! - The *context* (coroutine, stack pointer, header) belongs to the M that runs the G, or, while the G is stopped, to
//!   whoever moved the status last. A scanner may read the registers and the stack under SCAN and `stack_lock`.
//! - The *packet* (closure, then result) belongs to the G until `join` says DONE, then to the join handle.
//! - `name`, `spawned_at`, `stack_shift` and `id` are written by the spawner before the G is first made runnable, and cleared
//!   when the last reference goes.
//!
//! # References
//! A running G holds a reference to itself, each handle ([`GRef`]) another; the last one to go puts the G on a free list.

use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::clock::{self, Nanos};
use crate::context::Context;
use crate::header::Header;
use crate::holder::{Holder, Who};
use crate::interrupt::Interrupt;
use crate::join::JoinWord;
use crate::locals::Locals;
use crate::m::M;
use crate::reason::Reason;
use crate::records;
use crate::spin::SpinLock;
use crate::status::Status;
use crate::ticket::{Ticket, Token};
use crate::traceback::Registers;
use sward_mem::persistent::Purpose;

/// Bytes in a G for the closure and the result of a thread; larger ones take a block of the heap.
pub(crate) const INLINE_PACKET: usize = 64;

/// A green thread.
///
/// A switch touches the first cache line only, and one of the stack, its `Header`; a timer touches the first two.
#[repr(C, align(64))]
pub struct G {
    pub(crate) status: Status,
    reason: AtomicU8,
    /// Whether `locked_m` says anything: here, as every switch asks.
    is_locked: AtomicBool,
    /// Held by whoever walks or changes the stack of a stopped G. Taken after the SCAN bit.
    pub(crate) stack_lock: SpinLock<()>,
    /// Whether `interrupt` says anything: here, as every wait asks.
    is_interruptible: Cell<bool>,
    context: UnsafeCell<Context>,
    /// The stack pointer where the G last left its stack; 0 when that means nothing.
    sp: Cell<usize>,
    /// The header of its stack; null without one.
    header: Cell<*const Header>,
    /// The M that runs this G, or the last one that did.
    m: AtomicPtr<M>,

    /// Counts waits that several parties may end: see [`Claim`](crate::Claim).
    pub(crate) ticket: Ticket,
    /// The M that this G is locked to, see [`lock_os_thread`](crate::lock_os_thread).
    locked_m: AtomicPtr<M>,
    /// `thread::park`'s token.
    pub(crate) token: Token,
    /// Who waits for its end.
    pub(crate) join: JoinWord,
    pub(crate) references: AtomicU32,
    /// Who holds the lock that it waits for, while it waits for one.
    awaited: AtomicPtr<Holder>,
    /// Whether the last wait with a time-out ended by it.
    pub(crate) timed_out: AtomicBool,
    /// What may interrupt its waits.
    interrupt: Cell<*const Interrupt>,
    /// The stack that it has left for foreign code, while it is in a callback on a further one.
    outer: Cell<*const Outer>,
    /// How deep this G is in `lock_os_thread`.
    pub(crate) os_locks: Cell<u32>,
    pub(crate) run: Cell<unsafe fn(&'static G)>,
    pub(crate) packet: Cell<*mut u8>,
    /// The layout of a packet on the heap; of size 0 when it is inline.
    pub(crate) packet_layout: Cell<Layout>,
    pub(crate) inline_packet: UnsafeCell<[u64; INLINE_PACKET / 8]>,

    /// Values of `thread_local!`.
    pub(crate) locals: Locals,
    id: AtomicU64,
    name: UnsafeCell<Option<Box<str>>>,
    spawned_at: Cell<Option<&'static Location<'static>>>,
    stack_shift: Cell<u32>,
    #[cfg(feature = "race")]
    pub(crate) race: crate::race::OfG,
    /// What ThreadSanitizer will know it by, until it begins.
    #[cfg(feature = "tsan")]
    pub(crate) fiber: crate::race::Fiber,
}

// SAFETY: every non-atomic field has an owner at each moment, passed on by the status word's release and acquire (context),
// by `join` (packet) or by the first `ready` (names): see the module's rules.
unsafe impl Sync for G {}
// SAFETY: as above.
unsafe impl Send for G {}

/// How a G looks from outside: what dumps and `Debug` print.
impl fmt::Debug for G {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G({}, {:?})", self.id(), self.status.load())
    }
}

impl G {
    fn new() -> G {
        unsafe fn nothing(_: &'static G) {}
        G {
            status: Status::new(),
            stack_lock: SpinLock::new(()),
            reason: AtomicU8::new(0),
            is_locked: AtomicBool::new(false),
            m: AtomicPtr::new(ptr::null_mut()),
            sp: Cell::new(0),
            header: Cell::new(ptr::null()),
            context: UnsafeCell::new(Context::default()),
            locked_m: AtomicPtr::new(ptr::null_mut()),
            ticket: Ticket::new(),
            token: Token::new(),
            timed_out: AtomicBool::new(false),
            awaited: AtomicPtr::new(ptr::null_mut()),
            is_interruptible: Cell::new(false),
            interrupt: Cell::new(ptr::null()),
            references: AtomicU32::new(0),
            join: JoinWord::new(),
            locals: Locals::new(),
            packet: Cell::new(ptr::null_mut()),
            packet_layout: Cell::new(Layout::new::<()>()),
            run: Cell::new(nothing),
            id: AtomicU64::new(0),
            name: UnsafeCell::new(None),
            spawned_at: Cell::new(None),
            stack_shift: Cell::new(0),
            os_locks: Cell::new(0),
            outer: Cell::new(ptr::null()),
            inline_packet: UnsafeCell::new([0; INLINE_PACKET / 8]),
            #[cfg(feature = "race")]
            race: crate::race::OfG::default(),
            #[cfg(feature = "tsan")]
            fiber: crate::race::Fiber::default(),
        }
    }

    /// Asks the processor for what a switch to this G needs.
    #[inline]
    pub(crate) fn prefetch_stack(&self) {
        // What the frames restore that have suspended, a few calls deep.
        for line in 0..5 {
            prefetch(self.sp.get() + line * 64);
        }
        prefetch(self.header.get().addr());
    }

    /// Has the part of the G fetched into the cache that a timer needs to wake it.
    #[inline]
    pub(crate) fn prefetch(&self) {
        prefetch(ptr::from_ref(self).addr());
        prefetch(ptr::from_ref(&self.ticket).addr());
    }

    /// Names a G that nobody else knows yet.
    pub(crate) fn christen(
        &self,
        id: u64,
        name: Option<Box<str>>,
        stack_shift: u32,
        spawned_at: &'static Location<'static>,
    ) {
        // Relaxed: published with the G.
        self.id.store(id, Ordering::Relaxed);
        // SAFETY: nobody else knows this G.
        unsafe { *self.name.get() = name };
        self.stack_shift.set(stack_shift);
        self.spawned_at.set(Some(spawned_at));
    }

    /// The number of this green thread; 0 for one that was never used. Numbers are not reused.
    pub fn id(&self) -> u64 {
        // Relaxed: fixed while the G lives.
        self.id.load(Ordering::Relaxed)
    }

    /// The name it was given.
    pub fn name(&self) -> Option<&str> {
        // SAFETY: written before the G became known, cleared after the last reference to it went.
        unsafe { (*self.name.get()).as_deref() }
    }

    /// Writes its number and name.
    pub(crate) fn write_title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "green thread {}", self.id())?;
        self.name().map_or(Ok(()), |name| write!(f, " \"{name}\""))
    }

    /// Where it was spawned.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.spawned_at.get()
    }

    /// log2 of its stack's size.
    pub(crate) fn stack_shift(&self) -> u32 {
        self.stack_shift.get()
    }

    /// The M that runs it: for code on this G's own stack, where it changes only at a suspension.
    #[inline]
    pub(crate) fn m(&self) -> &'static M {
        // Relaxed: written by the thread that now runs the G, before it resumed it.
        // SAFETY: Ms live for ever, and a running G has one.
        unsafe { &*self.m.load(Ordering::Relaxed) }
    }

    #[inline]
    pub(crate) fn set_m(&self, m: &'static M) {
        // Relaxed: see `m`.
        self.m.store(ptr::from_ref(m).cast_mut(), Ordering::Relaxed);
    }

    /// The M that this G must run on, if any.
    #[inline]
    pub(crate) fn locked_m(&self) -> Option<&'static M> {
        // Relaxed, both: written by the G itself while running, read by who schedules it, ordered by the status word.
        if !self.is_locked.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: Ms live for ever.
        unsafe { self.locked_m.load(Ordering::Relaxed).as_ref() }
    }

    pub(crate) fn set_locked_m(&self, m: Option<&'static M>) {
        // Relaxed: see `locked_m`.
        self.is_locked.store(m.is_some(), Ordering::Relaxed);
        self.locked_m.store(m.map_or(ptr::null_mut(), |m| ptr::from_ref(m).cast_mut()), Ordering::Relaxed);
    }

    /// Notes why the G is about to wait.
    #[inline]
    pub(crate) fn set_waiting(&self, reason: Reason) {
        // Relaxed: read by dumps, after the status word's acquire.
        self.reason.store(reason as u8, Ordering::Relaxed);
        self.header().set_waiting_since(clock::coarse());
    }

    /// Why it waits, or waited last.
    pub(crate) fn reason(&self) -> Reason {
        // Relaxed: see `set_waiting`.
        Reason::from_u8(self.reason.load(Ordering::Relaxed))
    }

    /// What may interrupt its waits; null for nothing. For the G itself.
    #[inline]
    pub(crate) fn interrupt(&self) -> *const Interrupt {
        if self.is_interruptible.get() { self.interrupt.get() } else { ptr::null() }
    }

    /// Sets what may interrupt its waits; returns the old one. For the G itself.
    pub(crate) fn set_interrupt(&self, interrupt: *const Interrupt) -> *const Interrupt {
        self.is_interruptible.set(!interrupt.is_null());
        self.interrupt.replace(interrupt)
    }

    /// Notes who holds the lock that the G waits for until it calls this again, with `None`.
    pub(crate) fn set_awaited(&self, holder: Option<&Holder>) {
        // Relaxed: read by dumps, after the status word's acquire.
        self.awaited
            .store(holder.map_or(ptr::null_mut(), |holder| ptr::from_ref(holder).cast_mut()), Ordering::Relaxed);
    }

    /// Who holds the lock that it waits for. For who holds SCAN, of a waiting G.
    pub(crate) fn awaited(&self) -> Option<Who> {
        // Relaxed: see `set_awaited`.
        // SAFETY: the waiting G borrows it, and SCAN keeps the G waiting.
        unsafe { self.awaited.load(Ordering::Relaxed).as_ref() }.and_then(Holder::who)
    }

    /// Gives the G a stack.
    pub(crate) fn set_header(&'static self, header: &'static Header) {
        header.set_g(self);
        self.header.set(header);
    }

    /// The header of its stack, which it has.
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: callers run on the G's stack, or hold SCAN and have looked whether it has one.
        unsafe { &*self.header.get() }
    }

    /// Notes where the G leaves its stack.
    #[inline]
    pub(crate) fn save_registers(&self, registers: Registers) {
        self.sp.set(registers.sp);
        self.header().save(registers);
    }

    /// Forgets where it left its stack: it goes on using it.
    pub(crate) fn forget_registers(&self) {
        self.sp.set(0);
    }

    /// Where it last left its stack, if that means anything. For who keeps it from running, or is its own M.
    pub(crate) fn registers(&self) -> Option<Registers> {
        let sp = self.sp.get();
        (sp != 0).then(|| self.header().registers(sp))
    }

    /// Since when it waits. For who holds SCAN, of a waiting G.
    pub(crate) fn waiting_since(&self) -> Nanos {
        self.header().waiting_since()
    }

    /// The part of its stack that a walk may read; `None` without a stack.
    pub(crate) fn frames(&self) -> Option<std::ops::Range<usize>> {
        crate::stack::frames_at(self.header.get().addr())
    }

    /// The saved execution.
    ///
    /// # Safety
    /// The caller is the M that has moved this G to *running*, and the borrow ends before it moves it on.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn context(&self) -> &mut Context {
        // SAFETY: the status word makes that M the owner.
        unsafe { &mut *self.context.get() }
    }

    /// The first function on a green stack.
    pub(crate) fn run_on_green_stack(&'static self) {
        // SAFETY: set by the spawner together with the packet it belongs to, called once.
        unsafe { (self.run.get())(self) };
    }

    /// The stack that it is on, which it is about to leave for a further one.
    pub(crate) fn leave_stack(&self) -> Outer {
        Outer { header: self.header.get(), sp: self.sp.get(), outer: self.outer.get() }
    }

    /// Notes which stack it has left, for dumps. It stays where it is until [`return_to`](G::return_to).
    pub(crate) fn set_outer(&self, outer: *const Outer) {
        self.outer.set(outer);
    }

    /// Goes back to a stack that it has left.
    pub(crate) fn return_to(&self, outer: &Outer) {
        self.outer.set(outer.outer);
        self.header.set(outer.header);
        self.sp.set(outer.sp);
    }

    /// Where it left each of its stacks, the innermost first, and the parts of them that a walk may read. For who holds SCAN and `stack_lock`.
    pub(crate) fn stopped_stacks(&self) -> impl Iterator<Item = (Registers, std::ops::Range<usize>)> {
        // Without a place on the innermost it runs, without a P, and there is nothing to see.
        let innermost = Some(self.leave_stack()).filter(|stack| stack.sp != 0);
        // SAFETY: an outer stack's record is there until the G runs again.
        let stacks = std::iter::successors(innermost, |stack| unsafe { stack.outer.as_ref() }.copied());
        stacks.filter_map(|stack| {
            let frames = crate::stack::frames_at(stack.header.addr())?;
            // SAFETY: a stack that has frames has a header.
            let registers = unsafe { &*stack.header }.registers(stack.sp);
            frames.contains(&registers.sp).then_some((registers, frames))
        })
    }

    /// Forgets the stack of a G that has ended.
    pub(crate) fn forget_stack(&self) {
        self.sp.set(0);
        self.header.set(ptr::null());
    }
}

/// A stack of a G that has left it for foreign code, and is in a callback on a further one.
#[derive(Clone, Copy)]
pub(crate) struct Outer {
    header: *const Header,
    /// Where it left that stack.
    sp: usize,
    outer: *const Outer,
}

/// Asks the processor for the cache line at `address`, which may be no address at all.
#[inline]
fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address as *const i8);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
}

/// A counted reference to a G: keeps it from being reused.
pub struct GRef(&'static G);

impl GRef {
    /// Counts a reference.
    pub(crate) fn new(g: &'static G) -> GRef {
        // Relaxed: made from a reference that exists already.
        let before = g.references.fetch_add(1, Ordering::Relaxed);
        // Only a program that forgets handles in a loop gets here. Wrapping to 0 would free the G under its users.
        if before > u32::MAX / 2 {
            sward_mem::fatal!("green thread {} has {before} handles", g.id());
        }
        GRef(g)
    }

    /// Counts a reference to a G that may have none left. `None`: it has none.
    pub(crate) fn try_new(g: &'static G) -> Option<GRef> {
        // Acquire pairs with the release store of the spawner: what it wrote about the G is seen.
        let counted = g.references.fetch_update(Ordering::Acquire, Ordering::Relaxed, |n| (n != 0).then_some(n + 1));
        counted.ok().map(|_| GRef(g))
    }

    /// Takes over a reference that has been counted.
    pub(crate) fn adopt(g: &'static G) -> GRef {
        GRef(g)
    }

    /// The green thread that calls this; `None` on a plain OS thread.
    pub fn current() -> Option<GRef> {
        crate::stack::current_g().map(GRef::new)
    }

    /// The green thread whose foreign call the caller is in, on its OS thread's own stack; `None` outside such calls.
    pub fn calling_out() -> Option<GRef> {
        if crate::stack::current_g().is_some() {
            return None;
        }
        crate::m::current()?.current().map(GRef::new)
    }

    pub(crate) fn g(&self) -> &'static G {
        self.0
    }
}

impl Clone for GRef {
    fn clone(&self) -> GRef {
        GRef::new(self.0)
    }
}

impl Drop for GRef {
    fn drop(&mut self) {
        release(self.0);
    }
}

impl std::ops::Deref for GRef {
    type Target = G;
    fn deref(&self) -> &G {
        self.0
    }
}

impl fmt::Debug for GRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// Drops a reference; the last one puts the G on a free list.
pub(crate) fn release(g: &'static G) {
    if drop_reference(g) {
        let section = crate::section::Section::enter();
        match section.p() {
            Some(p) => p.free_g(g),
            None => FREE.lock().push(g),
        }
    }
}

/// Drops a reference. `true`: it was the last, and the caller puts the G on a free list.
pub(crate) fn drop_reference(g: &'static G) -> bool {
    // AcqRel: release for what this reference's holder did to the G, acquire for what the others did, by the last.
    if g.references.fetch_sub(1, Ordering::AcqRel) != 1 {
        return false;
    }
    // SAFETY: no reference is left, and nobody reads the name of a G without one.
    drop(unsafe { (*g.name.get()).take() });
    true
}

/// Gs that no P keeps for itself.
static FREE: SpinLock<Vec<&'static G>> = SpinLock::new(Vec::new());
/// Every G ever made, in chunks.
static CHUNKS: SpinLock<Vec<&'static [G]>> = SpinLock::new(Vec::new());
const CHUNK: usize = 64;

/// Takes up to `n` free Gs, at least one, making them if need be.
pub(crate) fn take_free(n: usize, into: &mut Vec<&'static G>) {
    let mut free = FREE.lock();
    if free.is_empty() {
        let chunk = records::leak_slice(CHUNK, Purpose::GreenThreads, G::new);
        CHUNKS.lock().push(chunk);
        free.extend(chunk);
    }
    let keep = free.len().saturating_sub(n);
    into.extend(free.drain(keep..));
}

/// Takes one free G, for a spawner without a P.
pub(crate) fn take_one_free() -> &'static G {
    let mut one = Vec::with_capacity(1);
    take_free(1, &mut one);
    one.pop().unwrap_or_else(|| sward_mem::fatal!("no free green thread after making some"))
}

/// Puts Gs on the common free list.
pub(crate) fn give_free(gs: impl Iterator<Item = &'static G>) {
    FREE.lock().extend(gs);
}

/// Calls `f` with every G that was ever made.
pub(crate) fn for_each(mut f: impl FnMut(&'static G)) {
    let chunks = CHUNKS.lock().clone();
    chunks.into_iter().flatten().for_each(&mut f);
}
