//! A lock-free stack of records that are never unmapped: what is free of a kind, kept for the next who needs one.
//!
//! It is Treiber's: the head points to the first node, each node to the next, and both ends of the work are one compare-and-swap of the
//! head. Two dangers come with it:
//!
//! - **A node that has gone.** A popper reads `next` of a node that another thread may have popped in the meantime. Nodes are
//!   `&'static` for that reason; what the popper reads is then of no meaning, but it is no fault, and its swap fails.
//! - **A node that has come back** (ABA). The stack is A, B, C.
//!   1. Thread 1 pops: it reads the head, A, and A's next, B. There it stops.
//!   2. Thread 2 pops A, pops B, and keeps B. It pushes A, whose next is now C.
//!   3. Thread 1 goes on: the head is A, as it was, so its swap would succeed, and make B the head, which thread 2 has.
//!
//!   Hence the **tag** in the head, which every push raises: a head that has come back is another word. It takes 2^22 pushes while one
//!   thread is between two instructions, and the same node on top again after exactly so many, to be deceived.
//!
//! Threads that collide back off for a while that doubles, up to some hundred cycles; on machines with many cores the line of the
//! head would otherwise wander about without anybody's swap succeeding.

use std::ptr;

use crossbeam_utils::Backoff;

use crate::atomic::{AtomicPtr, Ordering};
use crate::tagged::Tagged;
use crate::unless_loom::const_unless_loom;

/// What can be in a [`TaggedStack`], one at a time. Aligned to 64 bytes.
pub(crate) trait Node: Sized + Sync + 'static {
    /// A word that is the stack's while the node is in it, and that nobody else writes to ever.
    fn next(&self) -> &AtomicPtr<Self>;
}

/// See the [module](self). `STEP` is by how much a push raises the tag; it is 0 only in the model that shows what the tag is for.
#[derive(Debug)]
pub(crate) struct TaggedStack<N, const STEP: u64 = 1> {
    head: AtomicPtr<N>,
}

impl<N, const STEP: u64> TaggedStack<N, STEP> {
    const_unless_loom! {
        /// An empty stack.
        pub(crate) fn new() -> Self {
            // The word of null and tag 0.
            TaggedStack { head: AtomicPtr::new(ptr::null_mut()) }
        }
    }
}

impl<N: Node, const STEP: u64> TaggedStack<N, STEP> {
    /// Puts a node on top. It is in no stack yet, and the caller has nothing to do with it any more.
    pub(crate) fn push(&self, node: &'static N) {
        let backoff = Backoff::new();
        // Relaxed: nothing is read through this value.
        let mut head = Tagged::from_word(self.head.load(Ordering::Relaxed));
        loop {
            // Relaxed: the release below publishes it.
            node.next().store(head.pointer(), Ordering::Relaxed);
            let new = Tagged::new(node, head.tag() + STEP);
            // Release pairs with the acquire of a pop: it sees `next`, and what was done with the node before. Relaxed on failure as above.
            match self.head.compare_exchange_weak(head.word(), new.word(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = Tagged::from_word(now),
            }
            backoff.spin();
        }
    }

    /// Takes the node on top, which is the caller's from then on.
    pub(crate) fn pop(&self) -> Option<&'static N> {
        let backoff = Backoff::new();
        // Acquire pairs with the release of the push of this node: also when pops came after it, as swaps carry a release on.
        let mut head = Tagged::from_word(self.head.load(Ordering::Acquire));
        loop {
            // SAFETY: every pointer in the head came from a `&'static N`.
            let node: &'static N = unsafe { head.pointer().as_ref() }?;
            // Relaxed: written before the push that we acquired from. If it was written since, the swap fails.
            let next = node.next().load(Ordering::Relaxed);
            let new = Tagged::new(next, head.tag());
            // Relaxed on success: the load of this very word has acquired. Acquire on failure, for the next round, as above.
            match self.head.compare_exchange_weak(head.word(), new.word(), Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Some(node),
                Err(now) => head = Tagged::from_word(now),
            }
            backoff.spin();
        }
    }

    /// How many nodes there are, while nobody else uses the stack.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        // Acquire as in `pop`.
        let first = Tagged::from_word(self.head.load(Ordering::Acquire)).pointer();
        // SAFETY: as in `pop`.
        let next = |node: &&'static N| unsafe { node.next().load(Ordering::Relaxed).as_ref() };
        // SAFETY: as in `pop`.
        std::iter::successors(unsafe { first.as_ref() }, next).count()
    }
}

#[cfg(test)]
#[repr(align(64))]
struct TestNode {
    next: AtomicPtr<TestNode>,
    /// How many have it.
    owners: std::sync::atomic::AtomicUsize,
}

#[cfg(test)]
impl Node for TestNode {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
}

#[cfg(test)]
impl TestNode {
    fn leak() -> &'static TestNode {
        Box::leak(Box::new(TestNode { next: AtomicPtr::new(ptr::null_mut()), owners: 0.into() }))
    }

    fn own(&self) {
        assert_eq!(self.owners.fetch_add(1, Ordering::Relaxed), 0, "a node has two owners");
    }

    fn disown(&self) {
        self.owners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn last_in_first_out() {
        let stack = TaggedStack::<TestNode>::new();
        let (a, b) = (TestNode::leak(), TestNode::leak());
        assert!(stack.pop().is_none());
        stack.push(a);
        stack.push(b);
        assert_eq!(stack.count(), 2);
        assert!(stack.pop().is_some_and(|node| ptr::eq(node, b)));
        assert!(stack.pop().is_some_and(|node| ptr::eq(node, a)));
        assert!(stack.pop().is_none());
    }

    #[test]
    fn each_node_has_one_owner() {
        let stack = TaggedStack::<TestNode>::new();
        (0..4).for_each(|_| stack.push(TestNode::leak()));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..100_000 {
                        let taken = [stack.pop(), stack.pop()];
                        taken.iter().flatten().for_each(|node| node.own());
                        taken.iter().flatten().for_each(|node| node.disown());
                        taken.into_iter().flatten().for_each(|node| stack.push(node));
                    }
                });
            }
        });
        assert_eq!(stack.count(), 4);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::thread;
    use std::sync::Arc;

    /// A thread pops while another takes two nodes and gives the first one back.
    fn a_node_comes_back<const STEP: u64>() {
        loom::model(|| {
            let stack = Arc::new(TaggedStack::<TestNode, STEP>::new());
            (0..3).for_each(|_| stack.push(TestNode::leak()));
            let other = {
                let stack = stack.clone();
                thread::spawn(move || {
                    let [first, second] = [(); 2].map(|()| stack.pop().unwrap());
                    first.own();
                    second.own();
                    first.disown();
                    stack.push(first);
                })
            };
            stack.pop().unwrap().own();
            other.join().unwrap();
            // What is left is free, so nobody has it.
            while let Some(node) = stack.pop() {
                node.own();
            }
        });
    }

    #[test]
    fn loom_the_tag_tells_a_node_that_has_come_back() {
        a_node_comes_back::<1>();
    }

    #[test]
    #[should_panic(expected = "two owners")]
    fn loom_without_the_tag_a_node_is_handed_out_twice() {
        a_node_comes_back::<0>();
    }

    /// What was done with a node before it was pushed is seen by who pops it, also from below another node.
    #[test]
    fn loom_a_push_publishes_the_node() {
        #[repr(align(64))]
        struct Plain {
            next: AtomicPtr<Plain>,
            content: loom::cell::UnsafeCell<u32>,
        }
        // SAFETY: loom checks that the content is not accessed by two threads at once.
        unsafe impl Sync for Plain {}
        impl Node for Plain {
            fn next(&self) -> &AtomicPtr<Self> {
                &self.next
            }
        }
        fn work(stack: &TaggedStack<Plain>) {
            if let Some(node) = stack.pop() {
                node.content.with_mut(|_| {});
                stack.push(node);
            }
        }
        loom::model(|| {
            let stack = Arc::new(TaggedStack::<Plain>::new());
            for _ in 0..2 {
                let node = Plain { next: AtomicPtr::new(ptr::null_mut()), content: loom::cell::UnsafeCell::new(0) };
                stack.push(Box::leak(Box::new(node)));
            }
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let stack = stack.clone();
                    thread::spawn(move || work(&stack))
                })
                .collect();
            others.into_iter().for_each(|other| other.join().unwrap());
            let mut taken = std::iter::from_fn(|| stack.pop()).inspect(|node| node.content.with(|_| {}));
            assert_eq!(taken.by_ref().count(), 2);
        });
    }
}
