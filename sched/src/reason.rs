//! Why a green thread waits: one enum for the whole project, printed by dumps and deadlock reports.

use std::fmt;

/// What a parked green thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// `thread::sleep` and its like.
    Sleep,
    /// `thread::park`.
    Park,
    /// `JoinHandle::join`.
    Join,
    /// The end of a `thread::scope`.
    Scope,
    /// A send on a full channel, or one that nobody receives from yet.
    ChanSend,
    /// A receive on an empty channel.
    ChanReceive,
    /// A send on a channel that can never be received from again, a receive on one that nobody can send on.
    ChanForever,
    /// A `select!` of which no case is ready.
    Select,
    /// `Mutex::lock`.
    Mutex,
    /// `RwLock::read`.
    RwLockRead,
    /// `RwLock::write`.
    RwLockWrite,
    /// `Condvar::wait`.
    Condvar,
    /// `Barrier::wait`.
    Barrier,
    /// An initialization that another thread is at: `Once`, `OnceLock`, `LazyLock`.
    Once,
    /// `Semaphore::acquire`.
    Semaphore,
    /// `WaitGroup::wait`.
    WaitGroup,
    /// Data from a socket.
    NetRead,
    /// Room in a socket.
    NetWrite,
    /// A connection to accept.
    Accept,
    /// A connection that is being made.
    Connect,
    /// A future's waker, in `task::block_on`.
    Future,
    /// The cancellation of a token.
    Cancel,
}

impl Reason {
    const ALL: [Reason; 22] = [
        Reason::Sleep,
        Reason::Park,
        Reason::Join,
        Reason::Scope,
        Reason::ChanSend,
        Reason::ChanReceive,
        Reason::ChanForever,
        Reason::Select,
        Reason::Mutex,
        Reason::RwLockRead,
        Reason::RwLockWrite,
        Reason::Condvar,
        Reason::Barrier,
        Reason::Once,
        Reason::Semaphore,
        Reason::WaitGroup,
        Reason::NetRead,
        Reason::NetWrite,
        Reason::Accept,
        Reason::Connect,
        Reason::Future,
        Reason::Cancel,
    ];

    /// The reason whose number is `n`.
    pub(crate) fn from_u8(n: u8) -> Reason {
        Self::ALL[usize::from(n)]
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Sleep => "sleep",
            Reason::Park => "park",
            Reason::Join => "join",
            Reason::Scope => "scope",
            Reason::ChanSend => "chan send",
            Reason::ChanReceive => "chan receive",
            Reason::ChanForever => "chan nobody serves",
            Reason::Select => "select",
            Reason::Mutex => "mutex lock",
            Reason::RwLockRead => "rwlock read",
            Reason::RwLockWrite => "rwlock write",
            Reason::Condvar => "condvar",
            Reason::Barrier => "barrier",
            Reason::Once => "once",
            Reason::Semaphore => "semaphore",
            Reason::WaitGroup => "wait group",
            Reason::NetRead => "net read",
            Reason::NetWrite => "net write",
            Reason::Accept => "net accept",
            Reason::Connect => "net connect",
            Reason::Future => "future",
            Reason::Cancel => "cancellation",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        for (n, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, n);
            assert_eq!(Reason::from_u8(n as u8), reason);
        }
    }
}
