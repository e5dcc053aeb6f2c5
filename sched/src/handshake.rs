//! The handshake between who submits work and who goes idle, so that no work waits beside an idle P.
//!
//! Two counters: idle Ps, and **spinning** Ms, which have no work and look for some. A submitter needs to wake nobody while
//! somebody spins: the spinner will find the work, and on finding it wakes the next one, so that any number of idle Ps come into play
//! one after the other without a stampede.
//!
//! ```text
//!   submitter                          M that runs dry
//!   1. put the work into a queue       1. count its P as idle
//!   2. SeqCst fence                    2. stop spinning: count down
//!   3. idle > 0 and nobody spins?      3. SeqCst fence
//!      then wake one, counted as       4. look at all queues once more;
//!      spinning already                   if there is work, take a P back
//! ```
//! Of the two fences one comes first. If the submitter's, the M's last look sees the work. If the M's, the submitter sees the idle
//! P and nobody spinning, and wakes one. Either way the work is run. (Go's proc.go; the bugs it had here are golang/go#43997, #45867, #55160.)
//!
//! A third word closes a smaller gap: a submitter that finds no idle P, because the M that spins up took it a moment ago, leaves
//! a note, `wanted`; an M that is about to release its P without having spun looks at the note and spins first.
//!
//! The counters are changed by compare-and-swap and addition only; that the lists of idle Ps and Ms agree with them is the
//! business of [`idle`](crate::idle).

use sward_mem::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Handshake {
    idle: AtomicUsize,
    spinning: AtomicUsize,
    wanted: AtomicBool,
}

impl Handshake {
    pub(crate) fn new() -> Self {
        Handshake { idle: AtomicUsize::new(0), spinning: AtomicUsize::new(0), wanted: AtomicBool::new(false) }
    }

    /// For a submitter, after the work is in a queue. `true`: it must wake an M, which counts as spinning from now.
    #[inline]
    pub(crate) fn must_wake(&self) -> bool {
        // Pairs with the fence in `stop_spinning`.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders both loads after the submission.
        self.idle.load(Ordering::Relaxed) != 0 && self.spinning.load(Ordering::Relaxed) == 0 && self.claim_spinning()
    }

    /// Whether waking an M could be of use: a look without a fence, for work that its own P is about to run.
    #[inline]
    pub(crate) fn could_wake(&self) -> bool {
        // Relaxed: a hint.
        self.idle.load(Ordering::Relaxed) != 0 && self.spinning.load(Ordering::Relaxed) == 0
    }

    /// Acts on the hint of [`could_wake`](Self::could_wake). `true`: the caller must wake an M, which counts as spinning from now.
    #[cold]
    pub(crate) fn claim_spinning(&self) -> bool {
        // SeqCst: ordered with the look-and-count of others.
        self.spinning.compare_exchange(0, 1, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// For a waker that was told to wake and found no idle P: takes the spinning count back and leaves the note.
    pub(crate) fn give_up_wake(&self) {
        // SeqCst: the note is seen by an M that releases its P later.
        self.wanted.store(true, Ordering::SeqCst);
        self.spinning.fetch_sub(1, Ordering::SeqCst);
    }

    /// For an M without work that wants to spin. At most half of the `busy` Ps spin.
    pub(crate) fn may_spin(&self, procs: usize) -> bool {
        // Relaxed: a cap, not a protocol.
        let busy = procs.saturating_sub(self.idle.load(Ordering::Relaxed));
        2 * self.spinning.load(Ordering::Relaxed) < busy
    }

    /// Counts an M as spinning.
    pub(crate) fn begin_spinning(&self) {
        // SeqCst: a submitter that sees this leaves its work to this M, which looks at the queues afterwards.
        self.spinning.fetch_add(1, Ordering::SeqCst);
        self.wanted.store(false, Ordering::Relaxed);
    }

    /// For a spinning M that has found work. `true`: it was the last one, and wakes another if there is an idle P.
    pub(crate) fn end_spinning_with_work(&self) -> bool {
        // SeqCst: work submitted while this M was counted is seen by the one it wakes.
        self.spinning.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// For a spinning M that has found none and has released its P: it must look at all queues once more after this.
    pub(crate) fn stop_spinning(&self) {
        // SeqCst, and the fence: pairs with the fence in `must_wake`; the last look comes after.
        self.spinning.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// For an M that has released its P without having spun: whether it must look at all queues once more after this.
    pub(crate) fn nobody_spins(&self) -> bool {
        // The fence pairs with the one in `must_wake`, as in `stop_spinning`.
        fence(Ordering::SeqCst);
        // Relaxed: the fence orders it.
        self.spinning.load(Ordering::Relaxed) == 0
    }

    /// Counts a P as idle.
    pub(crate) fn p_idles(&self) {
        // SeqCst: before the last look of who releases it.
        self.idle.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a P as not idle.
    pub(crate) fn p_runs(&self) {
        // SeqCst as in `p_idles`.
        self.idle.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether a submitter left a note; takes it.
    pub(crate) fn take_wanted(&self) -> bool {
        // SeqCst: pairs with `give_up_wake`.
        self.wanted.load(Ordering::SeqCst) && self.wanted.swap(false, Ordering::SeqCst)
    }

    /// How many Ps are idle.
    #[inline]
    pub(crate) fn idle(&self) -> usize {
        // SeqCst: read by decisions that must not miss a P that idles.
        self.idle.load(Ordering::SeqCst)
    }

    /// How many Ms spin.
    pub(crate) fn spinning(&self) -> usize {
        // SeqCst as in `idle`.
        self.spinning.load(Ordering::SeqCst)
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    struct Model {
        handshake: Handshake,
        queue: AtomicUsize,
        run: AtomicUsize,
        wakes: AtomicUsize,
    }

    fn model(submit: fn(&Model) -> bool, go_idle: fn(&Model)) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let model = Arc::new(Model {
                handshake: Handshake::new(),
                queue: AtomicUsize::new(0),
                run: AtomicUsize::new(0),
                wakes: AtomicUsize::new(0),
            });
            model.handshake.begin_spinning();
            let spinner = {
                let model = model.clone();
                thread::spawn(move || go_idle(&model))
            };
            if submit(&model) {
                model.wakes.fetch_add(1, Ordering::SeqCst);
            }
            spinner.join().unwrap();
            let left = model.queue.load(Ordering::SeqCst);
            let woken = model.wakes.load(Ordering::SeqCst);
            assert!(left == 0 || woken == 1, "work waits and nobody was woken");
        });
    }

    fn take_work(model: &Model) {
        if model.queue.swap(0, Ordering::Acquire) != 0 {
            model.run.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn go_idle(model: &Model) {
        model.handshake.p_idles();
        model.handshake.stop_spinning();
        take_work(model);
    }

    /// Work put into a queue by a release store, then the fence.
    #[test]
    fn loom_no_work_beside_an_idle_p() {
        model(
            |m| {
                m.queue.store(1, Ordering::Release);
                m.handshake.must_wake()
            },
            go_idle,
        );
    }

    /// The historical order: the last look before the spinner is counted down. Work is lost.
    #[test]
    #[should_panic(expected = "nobody was woken")]
    fn loom_looking_before_counting_down_loses_work() {
        model(
            |m| {
                m.queue.store(1, Ordering::Release);
                m.handshake.must_wake()
            },
            |m| {
                m.handshake.p_idles();
                take_work(m);
                m.handshake.stop_spinning();
            },
        );
    }
}
