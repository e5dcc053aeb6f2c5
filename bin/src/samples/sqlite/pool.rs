//! A pool of connections, for more green threads than there are connections.

use sward::channel::{Receiver, Sender, bounded};

use super::connection::Connection;

/// Connections that wait in a channel until somebody takes one.
pub struct Pool {
    give: Sender<Connection>,
    take: Receiver<Connection>,
}

impl Pool {
    /// A pool of these.
    pub fn new(connections: Vec<Connection>) -> Pool {
        let (give, take) = bounded(connections.len());
        let pool = Pool { give, take };
        connections.into_iter().for_each(|connection| pool.put_back(connection));
        pool
    }

    /// Calls `f` with a connection that nobody else uses, once there is one.
    pub fn with<T>(&self, f: impl FnOnce(&Connection) -> T) -> T {
        let connection = self.take.recv().expect("the pool has a sender, too");
        let result = f(&connection);
        self.put_back(connection);
        result
    }

    fn put_back(&self, connection: Connection) {
        self.give.try_send(connection).expect("there is a place for each");
    }
}
