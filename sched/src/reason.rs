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
    /// `Mutex::lock`.
    Mutex,
    /// `WaitGroup::wait`.
    WaitGroup,
}

impl Reason {
    const ALL: [Reason; 9] = [
        Reason::Sleep,
        Reason::Park,
        Reason::Join,
        Reason::Scope,
        Reason::ChanSend,
        Reason::ChanReceive,
        Reason::ChanForever,
        Reason::Mutex,
        Reason::WaitGroup,
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
            Reason::Mutex => "mutex lock",
            Reason::WaitGroup => "wait group",
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
